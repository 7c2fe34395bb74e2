package sshconfig

import "strings"

// harmless are keywords that change nothing here: connections are shared
// anyway, nobody is asked anything, no terminal is given and nothing is
// forwarded to this side.
var harmless = keywords(`
	addkeystoagent batchmode canonicalizefallbacklocal canonicalizemaxdots canonicalizepermittedcnames checkhostip
	clearallforwardings compression controlmaster controlpath controlpersist dynamicforward enableescapecommandline
	enablesshkeysign escapechar exitonforwardfailure fingerprinthash forkafterauthentication gatewayports
	gssapiauthentication gssapidelegatecredentials gssapikeyexchange gssapitrustdns ignoreunknown ipqos
	localcommand localforward logfacility loglevel logverbose nohostauthenticationforlocalhost numberofpasswordprompts
	obscurekeystroketiming permitlocalcommand permitremoteopen refuseconnection rekeylimit remoteforward requesttty
	sendenv sessiontype stdinnull streamlocalbindmask streamlocalbindunlink syslogfacility tag tcpkeepalive tunnel
	tunneldevice updatehostkeys useprivilegedport visualhostkey xauthlocation forwardx11 forwardx11timeout
	forwardx11trusted protocol userkeychain usekeychain warnweakcrypto`)

// undone are keywords that could matter and aren't done. Those whose value is
// one of these mean nothing.
var undone = keywords(`
	bindinterface canonicaldomains canonicalizehostname casignaturealgorithms channeltimeout forwardagent
	hostbasedacceptedalgorithms hostbasedauthentication pkcs11provider proxyusefdpass
	pubkeyacceptedalgorithms pubkeyacceptedkeytypes remotecommand requiredrsasize securitykeyprovider setenv
	smartcarddevice verifyhostkeydns gssapiclientidentity gssapiserveridentity`)

// trusting are keywords that would have a host refused: to pass one over would
// be to trust a host that ssh doesn't.
var trusting = map[string]string{
	"revokedhostkeys":   "isn't done: put the keys into known_hosts with @revoked instead",
	"knownhostscommand": "isn't done: name files with UserKnownHostsFile instead",
}

func keywords(text string) map[string]bool {
	m := map[string]bool{}
	for _, k := range strings.Fields(text) {
		m[k] = true
	}
	return m
}

// undone takes a keyword that nothing here comes of.
func (d *draft) undone(l line) error {
	if why, bad := trusting[l.key]; bad {
		if len(l.words) == 1 && strings.EqualFold(l.words[0], "none") {
			return nil
		}
		return l.errorf("%s", why)
	}
	if harmless[l.key] || !d.once(l.key) {
		return nil
	}
	if undone[l.key] {
		if len(l.words) == 1 && (falsehood(l.words[0]) || strings.EqualFold(l.words[0], "none")) {
			return nil
		}
		d.note(l.place, "%s isn't done here and was passed over", l.name)
		return nil
	}
	d.note(l.place, "%s is no keyword that is known here, and was passed over", l.name)
	return nil
}
