package docs

// absent says why something of Ansible's isn't there, where there is more to
// say than that it isn't, and of a flag that is what is different.
var absent = map[string]string{
	"keyword break_when": "use `when` with what was registered before",

	"module apt_key":                "use get_url to /etc/apt/keyrings",
	"module apt_repository":         "use copy to /etc/apt/sources.list.d",
	"module assemble":               "use template, or shell with cat",
	"module deb822_repository":      "use copy to /etc/apt/sources.list.d",
	"module expect":                 "needs Python and pexpect on the host",
	"module include":                "gone from Ansible itself: use include_tasks, import_tasks or import_playbook",
	"module pip":                    "needs Python on the host: use command",
	"module validate_argument_spec": "use assert",

	"filter unvault":       "use the lookup unvault",
	"filter vault":         "use `thordeploy vault encrypt`",
	"filter password_hash": "hash the password beforehand: its hash is what a playbook should hold",
}

// positional are filters and tests whose options are given by place, under
// other names than Ansible's documents have for them.
var positional = map[string]bool{}
