/* Coin miners: programs, configurations, and the scripts that bring them. */

rule Miner_XMRig_Config
{
    meta:
        id = "td-min-0001"
        description = "configuration of the XMRig coin miner"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1496/"
        date = "2026-11-23"
        score = 70
    strings:
        $pools = /"pools"\s{0,4}:\s{0,4}\[/
        $k1 = "\"donate-level\""
        $k2 = "\"rig-id\""
        $k3 = "\"randomx\""
        $k4 = "\"huge-pages\""
        $k5 = "\"algo\""
        $k6 = "\"keepalive\""
    condition:
        filesize < 200KB and uint8(0) == 0x7b and $pools and 3 of ($k*)
}

rule Miner_Program
{
    meta:
        id = "td-min-0002"
        description = "coin mining program"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1496/"
        date = "2026-11-23"
        score = 75
    strings:
        $s1 = { 73 74 72 61 74 75 6D 2B 74 63 70 3A 2F 2F }  // the pool protocol with its scheme
        $s2 = "donate-level"
        $s3 = "cryptonight"
        $s4 = "randomx"
        $s5 = "nicehash"
        $s6 = "cpu-max-threads-hint"
        $s7 = { 78 6D 72 69 67 }
        $s8 = "mining.subscribe"
    condition:
        uint32(0) == 0x464c457f and filesize < 30MB and 4 of them
}

rule Miner_Pool_Command_Line
{
    meta:
        id = "td-min-0003"
        description = "script or job that starts a coin miner against a pool"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1496/"
        date = "2026-11-23"
        score = 70
    strings:
        $pool = /\s(-o|--url)[ =]{0,2}["']?stratum\+(tcp|ssl|tls):\/\/[a-zA-Z0-9.-]{4,80}:[0-9]{2,5}/
        $user = /\s(-u|--user)[ =]/
    condition:
        filesize < 200KB and uint32(0) != 0x464c457f and $pool and $user
}

rule Miner_Rival_Killer_Script
{
    meta:
        id = "td-min-0004"
        description = "script that ends other coin miners, as droppers of coin miners do first"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1496/"
        date = "2026-11-23"
        score = 80
    strings:
        $kill = /\b(pkill\s{1,4}-f|pkill\s{1,4}-9|killall\s{1,4}(-9)?|kill\s{1,4}-9)/
        $n1 = { 6B 69 6E 73 69 6E 67 }
        $n2 = { 6B 64 65 76 74 6D 70 66 73 69 }
        $n3 = { 78 6D 72 69 67 }
        $n4 = { 6D 69 6E 65 72 64 }
        $n5 = { 73 75 73 74 65 73 }
        $n6 = { 77 61 74 63 68 62 6F 67 }
        $n7 = { 6B 74 68 72 6F 74 6C 64 73 }
        $n8 = { 63 72 79 70 74 6F 6E 69 67 68 74 }
    condition:
        filesize < 500KB and uint32(0) != 0x464c457f and #kill > 2 and 3 of ($n*)
}

rule Miner_Wallet_In_Script
{
    meta:
        id = "td-min-0005"
        description = "script or configuration with a Monero wallet and a mining pool"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1496/"
        date = "2026-11-23"
        score = 70
    strings:
        $wallet1 = /(user|wallet|address|login)["']?\s{0,2}[:= ]\s{0,2}["']?4[0-9AB][1-9A-HJ-NP-Za-km-z]{93}\b/
        $wallet2 = /\s-u 4[0-9AB][1-9A-HJ-NP-Za-km-z]{93}\b/
        $p1 = "pool" nocase fullword
        $p2 = "xmr" nocase
        $p3 = "monero" nocase
        $p4 = "--coin"
        $p5 = "minexmr"
        $p6 = "stratum"
    condition:
        filesize < 200KB and uint32(0) != 0x464c457f and any of ($wallet*) and 2 of ($p*)
}
