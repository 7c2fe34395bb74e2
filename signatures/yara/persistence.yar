/* Things that start by themselves and shouldn't. */

rule Persistence_Cron_Download_Into_Shell
{
    meta:
        id = "td-per-0001"
        description = "scheduled job that downloads something into a shell"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1053/003/"
        date = "2026-11-23"
        score = 80
    strings:
        $job = /(^|\n|['"])[ \t]{0,4}(@(reboot|hourly|daily|weekly|monthly)|[0-9*][0-9*,\/-]{0,12}([ \t]{1,4}[0-9*][0-9*,\/-]{0,12}){4})[ \t][^\n]{0,80}\b(curl|wget)[ \t][^\n|]{4,200}\|[ \t]{0,4}(\/(usr\/)?bin\/)?(ba|da|z)?sh\b/
    condition:
        filesize < 1MB and $job
}

rule Persistence_Cron_Public_Folder
{
    meta:
        id = "td-per-0002"
        description = "scheduled job that runs a program from a folder that everybody can write to"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1053/003/"
        date = "2026-11-23"
        score = 65
    strings:
        $job = /(^|\n)[ \t]{0,4}(@(reboot|hourly|daily|weekly|monthly)|[0-9*][0-9*,\/-]{0,12}([ \t]{1,4}[0-9*][0-9*,\/-]{0,12}){4})[ \t]{1,8}([a-z_][a-z0-9_-]{0,31}[ \t]{1,8})?((\/(usr\/)?bin\/)?(ba|da)?sh[ \t]{1,4}(-c[ \t]{1,4}["']?)?)?\/(tmp|var\/tmp|dev\/shm)\/[^\s]{1,100}/
    condition:
        filesize < 1MB and filepath contains "cron" and $job
}

rule Persistence_Systemd_Unit
{
    meta:
        id = "td-per-0003"
        description = "systemd unit that starts a program from a public folder or a shell that fetches its work"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1543/002/"
        date = "2026-11-23"
        score = 70
    strings:
        $place = /\nExec(Start|StartPre|StartPost|Stop|Reload)=[-@:+!]{0,3}((\/(usr\/)?bin\/)?(ba|da)?sh[ \t]{1,4}(-c[ \t]{1,4})?["']?)?\/(tmp|var\/tmp|dev\/shm)\/[^\s]{1,100}/
        $fetch = /\nExec(Start|StartPre|StartPost)=[^\n]{0,80}((curl|wget)[ \t][^\n|]{4,200}\|[ \t]{0,4}(ba|da|z)?sh\b|\/dev\/tcp\/|base64[ \t]{1,4}(-d|--decode))/
    condition:
        filesize < 100KB and filepath contains "systemd" and any of them
}

rule Persistence_Shell_Startup_File
{
    meta:
        id = "td-per-0004"
        description = "shell startup file that fetches and runs something, calls out, or preloads a library"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1546/004/"
        date = "2026-11-23"
        score = 75
    strings:
        $fetch = /(^|\n)[ \t]{0,8}[^#\n]{0,80}\b(curl|wget)[ \t][^\n|]{4,200}\|[ \t]{0,4}(ba|da|z)?sh\b/
        $call = /(^|\n)[ \t]{0,8}[^#\n]{0,120}\/dev\/tcp\/[^\s\/]{3,80}\/[0-9]/
        $preload = /(^|\n)[ \t]{0,8}(export[ \t]{1,4})?LD_PRELOAD=["']?\/(tmp|var\/tmp|dev\/shm|home|root)\//
        $sudo = /(^|\n)[ \t]{0,8}alias[ \t]{1,4}(sudo|su|ssh)=["'][^\n]{0,60}(\/tmp\/|\/dev\/shm\/|\/\.[a-z]|read[ \t]{1,4}-s)/
    condition:
        filesize < 500KB and any of them and
        (filename == ".bashrc" or filename == ".bash_profile" or filename == ".profile" or filename == ".zshrc" or
         filename == ".bash_logout" or filename == "bash.bashrc" or filename == "profile" or
         filename == "zshrc" or filename == "rc.local" or filepath endswith "/profile.d")
}

rule Persistence_Udev_Rule
{
    meta:
        id = "td-per-0005"
        description = "udev rule that starts a shell, a download or a program from a public folder"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1546/"
        date = "2026-11-23"
        score = 75
    strings:
        $run = /RUN(\{program\})?\+?=\s{0,2}"[^"\n]{0,80}(\/tmp\/|\/var\/tmp\/|\/dev\/shm\/|\/dev\/tcp\/|\bcurl |\bwget |bash -i|base64 |\bnc -)/
    condition:
        filesize < 200KB and filename endswith ".rules" and $run
}

rule Persistence_Package_Hook
{
    meta:
        id = "td-per-0006"
        description = "package manager hook that fetches and runs something or calls out"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1546/016/"
        date = "2026-11-23"
        score = 75
    strings:
        $hook = /(Pre|Post)-(Invoke|Install-Pkgs)(-Success)?\s{0,4}\{[^}]{0,200}(\/dev\/tcp\/|\/tmp\/|\/dev\/shm\/|base64 |(curl|wget) [^}|]{4,120}\|\s{0,4}(ba|da)?sh|\bnc -)/
    condition:
        filesize < 100KB and filepath contains "apt" and $hook
}

rule Persistence_Ssh_Rc_Network
{
    meta:
        id = "td-per-0007"
        description = "ssh login script that downloads, calls out or runs something from a public folder"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1546/"
        date = "2026-11-23"
        score = 75
    strings:
        $act = /(^|\n)[^#\n]{0,100}(\bcurl |\bwget |\/dev\/tcp\/|\bncat? |\/tmp\/|\/dev\/shm\/|base64 )/
    condition:
        filesize < 100KB and $act and
        ((filename == "rc" and filepath endswith "/.ssh") or (filename == "sshrc" and filepath endswith "/ssh"))
}
