/* What hides others: preloaded libraries and kernel modules. */

rule Rootkit_Preload_Entry_Unusual_Place
{
    meta:
        id = "td-rkt-0001"
        description = "ld.so.preload loads a library from a place that users can write to or that is hidden"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1574/006/"
        date = "2026-11-23"
        score = 85
    strings:
        $tmp = /(^|[\s:])\/(tmp|var\/tmp|dev\/shm|home|root|run|mnt)\/[^\s:]{1,200}/
        $hidden = /\/\.[a-zA-Z0-9_-][^\s:]{0,200}/
    condition:
        filename == "ld.so.preload" and filepath endswith "/etc" and any of them
}

rule Persistence_Preload_Entry
{
    meta:
        id = "td-rkt-0002"
        description = "ld.so.preload loads a library into every process, which few systems do"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1574/006/"
        date = "2026-11-23"
        score = 50
        falsepositive = "security agents, and Raspberry Pi OS"
    condition:
        // an absolute path, whatever it is called: at the beginning, or after a newline, blank, tab or colon
        filename == "ld.so.preload" and filepath endswith "/etc" and filesize < 64KB and
        for any i in (0..filesize - 1) : (uint8(i) == 0x2f and
            (i == 0 or uint8(i - 1) == 0x0a or uint8(i - 1) == 0x20 or uint8(i - 1) == 0x09 or uint8(i - 1) == 0x3a))
}

rule Rootkit_Preload_Library
{
    meta:
        id = "td-rkt-0003"
        description = "shared library that wraps directory listing and login functions and knows ld.so.preload"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1014/"
        date = "2026-11-23"
        score = 80
    strings:
        $preload = "ld.so.preload"
        $next = "dlsym"
        $h1 = "readdir64" fullword
        $h2 = "readdir" fullword
        $h3 = "fopen64" fullword
        $h4 = "__xstat" fullword
        $h5 = "__lxstat64" fullword
        $h6 = "accept" fullword
        $h7 = "pam_authenticate" fullword
        $h8 = "unlinkat" fullword
        $h9 = "/proc/net/tcp"
    condition:
        uint32(0) == 0x464c457f and uint16(16) == 3 and filesize < 1MB and $preload and $next and 5 of ($h*)
}

rule Rootkit_Kernel_Module_Hooks
{
    meta:
        id = "td-rkt-0004"
        description = "kernel module that looks up the system call table or symbols and hooks directory listing"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1014/"
        date = "2026-11-23"
        score = 80
    strings:
        $module = "vermagic="
        $dents = "getdents"
        $look1 = "sys_call_table"
        $look2 = "kallsyms_lookup_name"
        $look3 = "register_kprobe"
        $act1 = "commit_creds"
        $act2 = "prepare_creds"
        $act3 = "tcp4_seq_show"
        $act4 = "ftrace_set_filter_ip"
        $act5 = "__x64_sys_kill"
    condition:
        uint32(0) == 0x464c457f and filesize < 5MB and $module and $dents and any of ($look*) and any of ($act*)
}

rule Rootkit_Kernel_Module_Known
{
    meta:
        id = "td-rkt-0005"
        description = "kernel module with the names of a published rootkit"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1547/006/"
        date = "2026-11-23"
        score = 90
    strings:
        $module = "vermagic="
        $n1 = { 64 69 61 6D 6F 72 70 68 69 6E 65 5F }
        $n2 = { 72 65 70 74 69 6C 65 5F 6D 6F 64 75 6C 65 }
        $n3 = { 73 75 74 65 72 75 73 75 }
        $n4 = { 61 64 6F 72 65 2D 6E 67 }
        $n5 = { 6B 6F 76 69 64 5F }
        $n6 = { 62 64 73 5F 76 72 }
    condition:
        uint32(0) == 0x464c457f and filesize < 5MB and $module and any of ($n*)
}
