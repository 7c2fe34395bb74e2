/*
   Test files. Strings that antivirus products look for are written in hex here
   and in the other files, so that the rules are not taken for what they find.
*/

rule Test_EICAR_File
{
    meta:
        id = "td-test-0001"
        description = "EICAR antivirus test file, harmless, shows that scanning and reporting work"
        author = "thordeploy project"
        reference = "https://www.eicar.org/download-anti-malware-testfile/"
        date = "2026-11-23"
        score = 75
    strings:
        // X5O!P%@AP[4\PZX54(P^)7CC)7}$ ... $H+H*
        $start = { 58 35 4F 21 50 25 40 41 50 5B 34 5C 50 5A 58 35 34 28 50 5E 29 37 43 43 29 37 7D 24 }
        $end = { 24 48 2B 48 2A }
    condition:
        filesize <= 128 and $start at 0 and $end in (60..64)
}
