/* Tools that intruders bring: credential theft, tunnels, cleaning up. */

rule AntiForensics_Log_Wiper_Script
{
    meta:
        id = "td-tls-0001"
        description = "script that empties or removes several login and system logs"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1070/002/"
        date = "2026-11-23"
        score = 70
        falsepositive = "scripts that prepare machine images"
    strings:
        $wipe = /(>|\brm\s{1,4}-r?fr?|\bshred\s[^\n]{0,20}|\btruncate\s[^\n]{0,20}|\/dev\/null\s{0,2}>)\s{0,4}\/var\/(log|run)\/(wtmp|btmp|utmp|lastlog|auth\.log|secure|messages|syslog|audit\/audit\.log)\b/
        $history = /(history\s{1,4}-c|\.bash_history|HISTFILE)/
    condition:
        filesize < 200KB and uint32(0) != 0x464c457f and (#wipe > 3 or (#wipe > 2 and $history))
}

rule AntiForensics_Login_Record_Editor
{
    meta:
        id = "td-tls-0002"
        description = "program that removes entries from the records of logins"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1070/006/"
        date = "2026-11-23"
        score = 75
    strings:
        $f1 = /\/var\/(log|adm)\/wtmp/
        $f2 = /\/var\/(run|log|adm)\/utmp/
        $f3 = /\/var\/(log|adm)\/lastlog/
        $a1 = "zapped" nocase
        $a2 = "Zap2"
        $a3 = /(wtmp|utmp|lastlog)[^\x00\n]{0,20}(cleaned|wiped|erased|zapped)/ nocase
        $a4 = /(cleaned|wiped|erased|zapped|removing)[^\x00\n]{0,20}(wtmp|utmp|lastlog)/ nocase
    condition:
        filesize < 500KB and all of ($f*) and any of ($a*)
}

rule AntiForensics_History_Disabled
{
    meta:
        id = "td-tls-0003"
        description = "shell startup file that switches the command history off in several ways"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1562/003/"
        date = "2026-11-23"
        score = 60
    strings:
        $h1 = /(^|\n)[ \t]{0,8}unset[ \t]{1,4}[^\n]{0,40}HISTFILE/
        $h2 = /(^|\n)[ \t]{0,8}(export[ \t]{1,4})?HISTFILE=\/dev\/null/
        $h3 = /(^|\n)[ \t]{0,8}(export[ \t]{1,4})?HIST(FILE)?SIZE=0/
        $h4 = /(^|\n)[ \t]{0,8}set[ \t]{1,4}\+o[ \t]{1,4}history/
        $h5 = /ln[ \t]{1,4}-sf?[ \t]{1,4}\/dev\/null[ \t][^\n]{0,60}history/
    condition:
        filesize < 200KB and 2 of them and
        (filename == ".bashrc" or filename == ".bash_profile" or filename == ".profile" or filename == ".zshrc" or
         filename == "profile" or filename == "bash.bashrc" or filepath endswith "/profile.d")
}

rule Credentials_Memory_Dumper
{
    meta:
        id = "td-tls-0004"
        description = "script that looks for passwords in the memory of login processes"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1003/007/"
        date = "2026-11-23"
        score = 80
    strings:
        $p1 = "gnome-keyring-daemon"
        $p2 = "gdm-password"
        $p3 = "lightdm"
        $p4 = "vsftpd"
        $m1 = /\/proc\/[^\s"']{1,20}\/(mem|maps)/
        $m2 = "gcore"
        $n1 = "_pammodutil_getpwnam_root_1"
        $n2 = "libgck"
        $n3 = { 6D 69 6D 69 70 65 6E 67 75 69 6E }
    condition:
        filesize < 500KB and uint32(0) != 0x464c457f and 2 of ($p*) and any of ($m*) and any of ($n*)
}

rule Credentials_Harvest_Script
{
    meta:
        id = "td-tls-0005"
        description = "script that gathers keys and cloud credentials and sends them away"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1552/001/"
        date = "2026-11-23"
        score = 75
    strings:
        $shell = /^#![^\n]{0,40}(sh|python[0-9.]{0,4}|perl)\b/
        $c1 = ".aws/credentials"
        $c2 = /\.ssh\/(id_rsa|id_ed25519|id_dsa|\*)/
        $c3 = ".docker/config.json"
        $c4 = "/etc/shadow"
        $c5 = ".kube/config"
        $c6 = ".config/gcloud"
        $c7 = ".git-credentials"
        $c8 = "169.254.169.254"
        $send1 = /curl[ \t][^\n]{0,120}(-F|-T|--data-binary|--upload-file|-d[ \t]{1,2}@)/
        $send2 = /wget[ \t][^\n]{0,120}--post-(file|data)/
        $send3 = /\|[ \t]{0,4}(nc|ncat|netcat)[ \t]/
        $send4 = /requests\.post\(/
    condition:
        filesize < 200KB and $shell at 0 and 4 of ($c*) and any of ($send*)
}

rule Credentials_Strace_Sshd
{
    meta:
        id = "td-tls-0006"
        description = "tracing of sshd or su to read passwords"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1056/"
        date = "2026-11-23"
        score = 75
    strings:
        $trace = /\bstrace\s[^\n]{0,100}-p\s{0,4}[^\n]{0,40}(pgrep|pidof|ps)[^\n]{0,40}\b(sshd|su|sudo|login)\b[^\n]{0,120}(-o\s|>|write|read|grep)/
        $alias = /alias\s{1,4}(ssh|su|sudo)=['"]strace\s/
    condition:
        filesize < 500KB and uint32(0) != 0x464c457f and any of them
}

rule Tunnel_Chisel
{
    meta:
        id = "td-tls-0007"
        description = "chisel, a TCP tunnel over HTTP, used by administrators and intruders"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1572/"
        date = "2026-11-23"
        score = 65
    strings:
        $s1 = "jpillora/chisel"
        $s2 = "chisel-v3"
        $s3 = "CHISEL_CONNECT"
    condition:
        uint32(0) == 0x464c457f and filesize < 30MB and 2 of them
}

rule Tunnel_FRP_Program
{
    meta:
        id = "td-tls-0008"
        description = "frp, a reverse proxy into closed networks, used by administrators and intruders"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1090/"
        date = "2026-11-23"
        score = 65
    strings:
        $s1 = "fatedier/frp/client"
        $s2 = "fatedier/frp/server"
        $s3 = "fatedier/frp/pkg"
    condition:
        uint32(0) == 0x464c457f and filesize < 30MB and any of them
}

rule Tunnel_FRP_Config
{
    meta:
        id = "td-tls-0009"
        description = "configuration of an frp client that opens a port of this host elsewhere"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1090/"
        date = "2026-11-23"
        score = 60
    strings:
        $ini1 = "[common]"
        $ini2 = /(^|\n)\s{0,4}server_addr\s{0,4}=/
        $ini3 = /(^|\n)\s{0,4}remote_port\s{0,4}=/
        $toml1 = /(^|\n)\s{0,4}serverAddr\s{0,4}=/
        $toml2 = "[[proxies]]"
        $toml3 = /(^|\n)\s{0,4}remotePort\s{0,4}=/
    condition:
        filesize < 50KB and (all of ($ini*) or all of ($toml*))
}

rule Tunnel_Pivot_Tools
{
    meta:
        id = "td-tls-0010"
        description = "program for tunnels into networks: ligolo-ng, gost, iox, rathole, revsocks"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1090/"
        date = "2026-11-23"
        score = 70
    strings:
        $s1 = "nicocha30/ligolo-ng"
        $s2 = "go-gost/gost"
        $s3 = "EddieIvan01/iox"
        $s4 = "rathole::client"
        $s5 = "kost/revsocks"
    condition:
        uint32(0) == 0x464c457f and filesize < 30MB and any of them
}

rule Tunnel_Global_Socket
{
    meta:
        id = "td-tls-0011"
        description = "Global Socket backdoor: a shell reachable through a relay by a secret"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1090/003/"
        date = "2026-11-23"
        score = 80
    strings:
        $s1 = "gs-netcat"
        $s2 = "GSOCKET_ARGS"
        $s3 = "GSOCKET_SECRET"
        $s4 = "gsocket.io"
        $s5 = "GS_ARGS"
    condition:
        filesize < 10MB and 2 of them
}

rule Tunnel_Ssh_Remote_Forward_Loop
{
    meta:
        id = "td-tls-0012"
        description = "script that keeps an ssh tunnel into this host open without checking whom it calls"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1572/"
        date = "2026-11-23"
        score = 60
    strings:
        $loop = /while\s{1,4}(true|:|\[\s{0,2}1\s{0,2}\])/
        $ssh = /\bssh\s[^\n]{0,160}StrictHostKeyChecking[= ]no[^\n]{0,160}\s-R\s{0,2}[0-9*:\[\]]{1,30}:(localhost|127\.0\.0\.1):22\b/
        $ssh2 = /\bssh\s[^\n]{0,160}\s-R\s{0,2}[0-9*:\[\]]{1,30}:(localhost|127\.0\.0\.1):22\b[^\n]{0,160}StrictHostKeyChecking[= ]no/
    condition:
        filesize < 100KB and $loop and any of ($ssh*)
}
