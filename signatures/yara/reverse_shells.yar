/* Shells that call back, in the languages that lie around on servers. */

rule ReverseShell_Bash_Dev_TCP
{
    meta:
        id = "td-rev-0001"
        description = "interactive shell redirected to a network address by the shell itself"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1059/004/"
        date = "2026-11-23"
        score = 80
    strings:
        $shell = /\b(ba|z|k)?sh\s{1,4}-i\s{0,4}[<>&|0-9 ]{1,12}\s{0,4}\/dev\/(tcp|udp)\/[^\s\/]{3,80}\/[0-9$]/
    condition:
        filesize < 1MB and $shell
}

rule ReverseShell_Bash_Descriptor
{
    meta:
        id = "td-rev-0002"
        description = "shell script that opens a network connection as a descriptor and runs what comes in"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1059/004/"
        date = "2026-11-23"
        score = 75
    strings:
        $open = /exec\s{1,4}[0-9]{1,3}\s{0,2}<>\s{0,4}\/dev\/tcp\/[^\s\/]{3,80}\/[0-9$]/
        $loop = /while\s{1,4}read\s[^\n]{0,60}(<&|do\s)[^\n]{0,80}\$\w{1,12}\s{0,2}(2>&[0-9]{1,3}\s{0,2})?>&/
        $join = /\b(ba|z|k|da)?sh\s{1,4}(-i\s{1,4})?(0)?<&\s{0,2}[0-9]{1,3}\s{0,2}(1)?>&/
    condition:
        filesize < 200KB and $open and any of ($loop, $join)
}

rule ReverseShell_Python_Dup
{
    meta:
        id = "td-rev-0003"
        description = "Python that puts a shell on a socket"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1059/006/"
        date = "2026-11-23"
        score = 85
    strings:
        $dup = /\bdup2\(\s{0,4}\w{1,16}\.fileno\(\)\s{0,4},\s{0,4}(0|fd|f|i|n)\s{0,4}\)/
        $connect = ".connect("
        $shell = /(pty\.spawn|subprocess\.(call|Popen|run)|os\.exec[lv]p?e?)\s{0,4}\(\s{0,4}\[?\s{0,4}["'](\/(usr\/)?bin\/)?(ba|da|z)?sh["']/
    condition:
        filesize < 200KB and $dup and $connect and $shell
}

rule ReverseShell_Perl_Socket
{
    meta:
        id = "td-rev-0004"
        description = "Perl that puts a shell on a socket"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1059/"
        date = "2026-11-23"
        score = 85
    strings:
        $socket = /use\s{1,4}(IO::)?Socket/
        $stdin = /open\s{0,4}\(\s{0,4}STDIN\s{0,4},\s{0,4}["'][<>]&\s{0,4}\$?\w{1,16}["']/
        $shell = /\bexec\s{0,4}[({]?\s{0,4}["'](\/(usr\/)?bin\/)?(ba|da|z)?sh\b/
    condition:
        filesize < 200KB and $socket and $stdin and $shell
}

rule ReverseShell_Netcat_Exec
{
    meta:
        id = "td-rev-0005"
        description = "netcat told to run a shell on its connection"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1059/004/"
        date = "2026-11-23"
        score = 75
        falsepositive = "netcat's own documentation"
    strings:
        $last = /\b(nc|ncat|netcat)(\.traditional|\.openbsd)?\s{1,4}[^\s|;&][^\n|;&]{2,80}\s-[a-z]{0,6}[ec]\s{1,4}\/(usr\/)?bin\/(ba|da|z)?sh\b/
        $first = /\b(nc|ncat|netcat)(\.traditional|\.openbsd)?\s{1,4}(-[a-z]{1,6}\s{1,4}){0,3}-[a-z]{0,6}[ec]\s{1,4}\/(usr\/)?bin\/(ba|da|z)?sh\s{1,4}(-[a-z]{1,6}\s{1,4}){0,2}[0-9a-zA-Z$][0-9a-zA-Z._:-]{2,80}\s{1,4}[0-9$]/
    condition:
        filesize < 500KB and any of them
}

rule ReverseShell_Mkfifo_Netcat
{
    meta:
        id = "td-rev-0006"
        description = "shell and network tool joined in a ring by a named pipe"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1059/004/"
        date = "2026-11-23"
        score = 80
    strings:
        $ring = /(mkfifo|mknod)\s{1,4}[^\s;]{2,60}(\s{1,4}p)?\s{0,4}[;&]{1,2}[^\n]{0,80}\|\s{0,4}(\/(usr\/)?bin\/)?(ba|da)?sh\s{1,4}(-i\s{1,4})?2>&1\s{0,4}\|\s{0,4}(nc|ncat|netcat|telnet|openssl\s{1,4}s_client)\s/
    condition:
        filesize < 500KB and $ring
}

rule ReverseShell_Socat_Exec
{
    meta:
        id = "td-rev-0007"
        description = "socat that joins a shell with a terminal to a network address"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1059/004/"
        date = "2026-11-23"
        score = 80
    strings:
        $out = /\bsocat\s[^\n]{0,120}(exec|system):['"]{0,2}(\/(usr\/)?bin\/)?(ba|da)?sh\b[^\n]{0,80}(pty|setsid|stderr)[^\n]{0,80}(tcp|openssl)[46]?(-connect|-listen)?:/ nocase
        $in = /\bsocat\s[^\n]{0,60}(tcp|openssl)[46]?(-connect|-listen)?:[^\n]{3,120}(exec|system):['"]{0,2}(\/(usr\/)?bin\/)?(ba|da)?sh\b[^\n]{0,80}(pty|setsid|stderr)/ nocase
    condition:
        filesize < 500KB and any of them
}

rule ReverseShell_PHP_Socket
{
    meta:
        id = "td-rev-0008"
        description = "PHP that joins a shell process to a socket"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        date = "2026-11-23"
        score = 85
    strings:
        $open = { 3C 3F }
        $socket = /\b(fsockopen|stream_socket_client|socket_create)\s{0,4}\(/
        $proc = /\bproc_open\s{0,4}\(/
        $pipes = /array\s{0,4}\(\s{0,4}["']pipe["']\s{0,4},\s{0,4}["']r["']/
        $shell = /(\/(usr\/)?bin\/)(ba|da)?sh\s{1,4}-i/
    condition:
        filesize < 200KB and $open and $socket and $proc and $pipes and $shell
}

rule ReverseShell_Awk_Inet
{
    meta:
        id = "td-rev-0009"
        description = "awk that reads commands from a network address and runs them"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1059/004/"
        date = "2026-11-23"
        score = 75
    strings:
        $inet = /["']\/inet\/tcp\/0\/[^"'\s\/]{3,80}\/[0-9]{1,5}["']/
        $in = /\|&\s{0,4}getline\s{1,4}\w{1,16}/
        $run = /while\s{0,4}\(\s{0,4}\(?\s{0,4}\w{1,16}\s{0,4}\|&?\s{0,4}getline\b/
        $back = /\|&\s{0,4}\w{1,16}\s{0,4}[;}]/
    condition:
        filesize < 50KB and all of them
}

rule ReverseShell_Shellcode_X64
{
    meta:
        id = "td-rev-0010"
        description = "small file with position-independent x86-64 code that opens a TCP socket by system call"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1055/"
        date = "2026-11-23"
        score = 80
    strings:
        // push 41; pop rax; cdq; push 2; pop rdi; push 1; pop rsi; syscall
        $socket = { 6A 29 58 99 6A 02 5F 6A 01 5E 0F 05 }
    condition:
        filesize < 64KB and $socket
}

rule Execution_Base64_Into_Shell
{
    meta:
        id = "td-rev-0011"
        description = "long base64 text decoded into a shell"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1140/"
        date = "2026-11-23"
        score = 75
    strings:
        $pipe = /echo\s{1,4}(-n\s{1,4})?["']?[A-Za-z0-9+\/]{60,3000}={0,2}["']?\s{0,4}\|\s{0,4}base64\s{1,4}(-d|-D|--decode)\s{0,4}\|\s{0,4}(\/(usr\/)?bin\/)?(ba|da|z)?sh\b/
    condition:
        filesize < 1MB and $pipe
}

rule Execution_Memfd_Loader_Script
{
    meta:
        id = "td-rev-0012"
        description = "script that writes a program into anonymous memory and starts it from there"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1620/"
        date = "2026-11-23"
        score = 75
    strings:
        $perl = /syscall\s{0,4}\(\s{0,4}(319|279)\s{0,4},/
        $python1 = /\bmemfd_create\s{0,4}\(/
        $python2 = /\.syscall\s{0,4}\(\s{0,4}(319|279)\s{0,4},/
        $run = /(exec[lv]?p?e?|system|Popen|call)\b[^\n]{0,40}\/proc\/(self|\$\$|%d|["'.{ ])/
        $fetch1 = "urlopen("
        $fetch2 = "b64decode("
        $fetch3 = "curl "
        $fetch4 = "print $"
    condition:
        filesize < 20MB and uint32(0) != 0x464c457f and any of ($perl, $python*) and $run and any of ($fetch*)
}
