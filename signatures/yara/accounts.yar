/* Ways back in through accounts: ssh, PAM, passwd, sudo. */

rule Backdoor_Sshd_Password_Log
{
    meta:
        id = "td-acc-0001"
        description = "OpenSSH program that writes user names with passwords into a file"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1554/"
        date = "2026-11-23"
        score = 80
    strings:
        $ssh1 = "OpenSSH_"
        $ssh2 = "sshd_config"
        $log = /(user|login|name|host|from)[:=]? ?%s[^\x00\n]{0,24}(pass|password|passwd|pwd)[:=]? ?%s/ nocase
    condition:
        uint32(0) == 0x464c457f and filesize < 8MB and any of ($ssh*) and $log
}

rule Backdoor_Sshd_Config
{
    meta:
        id = "td-acc-0002"
        description = "sshd configuration that lets in without a password or trusts keys in a public place"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1098/004/"
        date = "2026-11-23"
        score = 75
    strings:
        $empty = /(^|\n)[ \t]{0,8}PermitEmptyPasswords[ \t=]{1,8}yes/ nocase
        $keys = /(^|\n)[ \t]{0,8}AuthorizedKeysFile[ \t=]{1,8}[^\n#]{0,100}\/(tmp|var\/tmp|dev\/shm|var\/www)\// nocase
        $command = /(^|\n)[ \t]{0,8}AuthorizedKeysCommand[ \t=]{1,8}["']?\/(tmp|var\/tmp|dev\/shm|var\/www|home)\// nocase
    condition:
        filesize < 200KB and (filename == "sshd_config" or filepath endswith "/sshd_config.d") and any of them
}

rule Backdoor_PAM_Config
{
    meta:
        id = "td-acc-0003"
        description = "PAM configuration that accepts everybody, hands passwords to a program, or loads a module from a public place"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1556/003/"
        date = "2026-11-23"
        score = 80
    strings:
        $permit = /(^|\n)[ \t]{0,8}auth[ \t]{1,8}sufficient[ \t]{1,8}([\/a-z0-9_-]{0,60}\/)?pam_permit\.so/
        $exec = /(^|\n)[ \t]{0,8}auth[^\n#]{0,80}pam_exec\.so[^\n]{0,80}expose_authtok/
        $place = /(^|\n)[ \t]{0,8}-?(auth|account|session|password)[^\n#]{0,60}[ \t]\/(tmp|var\/tmp|dev\/shm|home|root)\/[^\s]{1,100}/
    condition:
        filesize < 100KB and (filepath endswith "/pam.d" or filename == "pam.conf") and any of them
}

rule Backdoor_PAM_Module
{
    meta:
        id = "td-acc-0004"
        description = "PAM module that writes names and passwords into a hidden or public file"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1556/003/"
        date = "2026-11-23"
        score = 80
    strings:
        $auth = "pam_sm_authenticate"
        $get1 = "pam_get_authtok"
        $get2 = "pam_get_item"
        $file = /\/(tmp|var\/tmp|dev\/shm|var\/log\/\.|usr\/share\/\.|usr\/lib\/\.)[\/a-zA-Z0-9._-]{1,60}/
        $line = /%s ?[:|=] ?%s/
    condition:
        uint32(0) == 0x464c457f and filesize < 1MB and $auth and any of ($get*) and $file and $line
}

rule Backdoor_Authorized_Keys_Command
{
    meta:
        id = "td-acc-0005"
        description = "authorized_keys entry that runs a download, an interpreter or something from a public folder at login"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1098/004/"
        date = "2026-11-23"
        score = 75
    strings:
        $command = /command="[^"\n]{0,200}(curl |wget |\bnc |ncat |\/dev\/tcp\/|bash -i|sh -i|base64 |python[23]? -c|perl -e|\/tmp\/|\/dev\/shm\/)/
        $env = /environment="LD_(PRELOAD|LIBRARY_PATH)=/
    condition:
        filesize < 1MB and filename startswith "authorized_keys" and any of them
}

rule Backdoor_Passwd_Second_Root
{
    meta:
        id = "td-acc-0006"
        description = "account other than root with user id 0"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1136/001/"
        date = "2026-11-23"
        score = 80
        falsepositive = "toor, where an administrator made it"
    strings:
        // any name that isn't "root", written without look-ahead
        $a = /(^|\n)[^r:\n#+-][^:\n]{0,31}:[^:\n]{0,200}:0{1,5}:[0-9]{1,6}:/
        $b = /(^|\n)r([a-np-zA-Z0-9_.-][^:\n]{0,30}|o([a-np-zA-Z0-9_.-][^:\n]{0,29}|o([a-su-zA-Z0-9_.-][^:\n]{0,28}|t[^:\n]{1,28})?)?)?:[^:\n]{0,200}:0{1,5}:[0-9]{1,6}:/
    condition:
        filesize < 1MB and filename == "passwd" and filepath endswith "/etc" and any of them
}

rule Backdoor_Sudoers_Service_Account
{
    meta:
        id = "td-acc-0007"
        description = "a service account may become root without a password"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1548/003/"
        date = "2026-11-23"
        score = 75
    strings:
        $entry = /(^|\n)[ \t]{0,8}(www-data|apache|nginx|nobody|daemon|mysql|postgres|redis|tomcat[0-9]{0,2}|git|mail|bin|sys)[ \t]{1,8}ALL[ \t]{0,8}=[ \t]{0,8}(\([A-Za-z: ]{1,20}\)[ \t]{0,8})?NOPASSWD:[ \t]{0,8}ALL/
    condition:
        filesize < 100KB and (filename == "sudoers" or filepath endswith "/sudoers.d") and $entry
}

rule Backdoor_Suid_Shell_Helper
{
    meta:
        id = "td-acc-0008"
        description = "small setuid program that becomes root and starts a shell"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1548/001/"
        date = "2026-11-23"
        score = 80
    strings:
        $shell1 = "/bin/sh"
        $shell2 = "/bin/bash"
        $id1 = "setuid" fullword
        $id2 = "setreuid" fullword
        $id3 = "setresuid" fullword
        $fp1 = "getopt"
        $fp2 = "usage" nocase
    condition:
        // 0x800: the set-user-ID bit of st_mode
        filemode & 0x800 != 0 and uint32(0) == 0x464c457f and filesize < 40KB and
        any of ($shell*) and any of ($id*) and none of ($fp*)
}

rule Backdoor_Suid_Interpreter
{
    meta:
        id = "td-acc-0009"
        description = "shell or script interpreter with the setuid bit"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1548/001/"
        date = "2026-11-23"
        score = 85
    strings:
        $bash = "GNU bash, version"
        $dash = "_DASH_"
        $python = "Py_BytesMain"
        $perl = "perl_construct"
        $zsh = "zsh_directory_name"
        $gdb = "GNU gdb"
    condition:
        filemode & 0x800 != 0 and uint32(0) == 0x464c457f and filesize < 30MB and any of them
}
