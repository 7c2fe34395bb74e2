/* Scripts that run what a web request brings. */

rule Webshell_PHP_Eval_Request
{
    meta:
        id = "td-web-0001"
        description = "PHP that runs a request parameter as code or command"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        date = "2026-11-23"
        score = 85
    strings:
        $open = { 3C 3F }
        $run = /\b(eval|assert|system|passthru|shell_exec|exec|popen|proc_open)\s{0,8}\(\s{0,8}@?((base64_decode|gzinflate|str_rot13|stripslashes|urldecode|rawurldecode|trim)\s{0,4}\(\s{0,4}){0,3}\$_(GET|POST|REQUEST|COOKIE)\s{0,4}\[/ nocase
    condition:
        filesize < 1MB and $open and $run
}

rule Webshell_PHP_Decode_Chain
{
    meta:
        id = "td-web-0002"
        description = "PHP that unpacks itself through nested decoders and runs the result"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1027/"
        date = "2026-11-23"
        score = 75
    strings:
        $open = { 3C 3F }
        $chain = /\b(eval|assert)\s{0,8}\(\s{0,8}@?(gzinflate|gzuncompress|gzdecode|str_rot13|strrev|base64_decode)\s{0,4}\(\s{0,4}(gzinflate|gzuncompress|gzdecode|str_rot13|strrev|base64_decode)\s{0,4}\(/ nocase
    condition:
        filesize < 2MB and $open and $chain
}

rule Webshell_PHP_Request_As_Function
{
    meta:
        id = "td-web-0003"
        description = "PHP that calls the function a request parameter names with another parameter"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        date = "2026-11-23"
        score = 85
    strings:
        $open = { 3C 3F }
        $call = /\$_(GET|POST|REQUEST|COOKIE)\s{0,4}\[[^\]\n]{1,40}\]\s{0,4}\(\s{0,4}@?\$_(GET|POST|REQUEST|COOKIE)/
        $map = /array_map\s{0,4}\(\s{0,4}['"]assert['"]\s{0,4},\s{0,4}(array\s{0,4}\(|\[)?\s{0,4}\$_(GET|POST|REQUEST|COOKIE)/
    condition:
        filesize < 1MB and $open and any of ($call, $map)
}

rule Webshell_PHP_File_Manager
{
    meta:
        id = "td-web-0004"
        description = "PHP page with upload, command execution and account listing, as web shells with a file manager have"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        date = "2026-11-23"
        score = 65
    strings:
        $open = { 3C 3F }
        $upload = "move_uploaded_file("
        $owner = "posix_getpwuid("
        $perms = "fileperms("
        $uname = "php_uname("
        $run1 = "shell_exec("
        $run2 = "passthru("
        $run3 = "proc_open("
        $safe = "disable_functions"
    condition:
        filesize < 1MB and $open and $upload and $owner and $perms and $uname and $safe and any of ($run*)
}

rule Webshell_PHP_In_Image
{
    meta:
        id = "td-web-0005"
        description = "image with PHP in it that runs code, made to pass an upload filter"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1036/008/"
        date = "2026-11-23"
        score = 80
    strings:
        $php = { 3C 3F 70 68 70 }
        $run = /\b(eval|assert|system|passthru|shell_exec)\s{0,4}\(\s{0,4}@?[$'"b]/
    condition:
        filesize < 5MB and
        (uint32(0) == 0x38464947 or uint16(0) == 0xd8ff or uint32(0) == 0x474e5089) and
        $php and $run
}

rule Webshell_JSP_Runtime_Exec
{
    meta:
        id = "td-web-0006"
        description = "JSP that runs a request parameter as a command"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        date = "2026-11-23"
        score = 80
    strings:
        $open = { 3C 25 }
        $exec1 = /getRuntime\(\)\s{0,4}\.\s{0,4}exec\(/
        $exec2 = /new\s{1,4}ProcessBuilder\(/
        $param = /request\s{0,4}\.\s{0,4}getParameter\(/
        $html = "<html" nocase
        $xml = "<web-app"
    condition:
        filesize < 200KB and $open and any of ($exec*) and $param and not $xml and
        (filesize < 20KB or not $html)
}

rule Webshell_JSP_Class_Loader
{
    meta:
        id = "td-web-0007"
        description = "JSP that decrypts a class out of the request and loads it"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1620/"
        date = "2026-11-23"
        score = 85
    strings:
        $open = { 3C 25 }
        $define = "defineClass"
        $loader = "extends ClassLoader"
        $aes = /Cipher\s{0,4}\.\s{0,4}getInstance\(\s{0,4}"AES/
        $in1 = "getReader()"
        $in2 = "getInputStream()"
        $in3 = "getParameter("
    condition:
        filesize < 200KB and $open and $define and $loader and $aes and any of ($in*)
}

rule Webshell_Python_Web_Exec
{
    meta:
        id = "td-web-0008"
        description = "Python web page that runs a request parameter as a command"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        date = "2026-11-23"
        score = 80
    strings:
        $web = /\b(os\.popen|os\.system|subprocess\.(check_output|Popen|getoutput|run|call)|eval|exec)\s{0,4}\(\s{0,4}(flask\.)?request\.(args|form|values|cookies|headers|data|get_data|GET|POST)\b/
        $cgi = "cgi.FieldStorage("
        $get = /\b(os\.popen|os\.system|subprocess\.(check_output|Popen|getoutput|run|call))\s{0,4}\(\s{0,4}\w{1,20}(\.getvalue\(|\[['"]\w{1,20}['"]\]\.value)/
    condition:
        filesize < 200KB and ($web or ($cgi and $get))
}

rule Webshell_Perl_CGI_Exec
{
    meta:
        id = "td-web-0009"
        description = "Perl CGI script that runs a request parameter as a command"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        date = "2026-11-23"
        score = 75
    strings:
        $perl = /^#![^\n]{0,40}perl/
        $web1 = "QUERY_STRING"
        $web2 = /use\s{1,4}CGI\b/
        $run1 = /\b(system|exec)\s{0,4}\(?\s{0,4}["']?\$(\w{1,16}->param\(|FORM\{|in\{|ENV\{['"]?QUERY_STRING|cmd\b)/
        $run2 = /(`|qx[\/{(])\s{0,4}\$(\w{1,16}->param\(|FORM\{|in\{|cmd\b)/
    condition:
        filesize < 200KB and $perl at 0 and any of ($web*) and any of ($run*)
}

rule Webshell_Node_Exec_Request
{
    meta:
        id = "td-web-0010"
        description = "JavaScript server code that runs a request parameter as a command"
        author = "thordeploy project"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        date = "2026-11-23"
        score = 80
    strings:
        $child = /require\(\s{0,4}['"](node:)?child_process['"]\s{0,4}\)/
        $run = /\bexec(Sync)?\(\s{0,4}req(uest)?\.(query|body|params|headers|cookies)\b/
    condition:
        filesize < 500KB and $child and $run
}
