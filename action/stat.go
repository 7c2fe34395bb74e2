package action

func statSpec() *Spec {
	return &Spec{
		Name: "stat",
		Params: []Param{
			{Name: "path", Aliases: []string{"dest", "name"}, Type: Path, Required: true, Doc: "the path to look at"},
			{Name: "follow", Type: Bool, Default: false, Doc: "look at what a symlink points to"},
			{Name: "get_checksum", Type: Bool, Default: true, Doc: "report a regular file's digest"},
			{Name: "checksum_algorithm", Aliases: []string{"checksum", "checksum_algo"}, Type: String, Default: "sha1",
				Choices: []string{"md5", "sha1", "sha224", "sha256", "sha384", "sha512"}, Doc: "the digest's algorithm"},
			{Name: "get_mime", Aliases: []string{"mime", "mime_type", "mime-type"}, Type: Bool, Default: true, Doc: "accepted; file types are not looked up"},
			{Name: "get_attributes", Aliases: []string{"attr", "attributes"}, Type: Bool, Default: true, Doc: "accepted; file attributes are not looked up"},
		},
		Doc: "Report what a path is on the host.",
	}
}
