// Command genimage writes the image of aeod. Run it by make image.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/autoecoops/autoecoops/internal/image"
)

func main() {
	s := image.Spec{Name: "aeod", User: "65532:65532", Ports: []string{"8080/tcp"}, Env: []string{"PATH=/usr/bin:/bin", "HOME=/var/cache/aeod", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"}}
	archive := ""
	flag.StringVar(&s.Tag, "tag", "registry.example.com/autoecoops/aeod:dev", "name of the image")
	flag.StringVar(&s.Folder, "rootfs", "", "folder with git and what it needs")
	flag.StringVar(&s.Program, "program", "bin/aeod", "the program")
	flag.StringVar(&archive, "o", "dist/aeod.tar", "archive to write")
	version := flag.String("version", "dev", "version, for the labels")
	flag.Parse()
	s.Labels = map[string]string{"org.opencontainers.image.title": "aeod", "org.opencontainers.image.version": *version, "org.opencontainers.image.licenses": "Apache-2.0"}
	if err := image.Write(s, archive); err != nil {
		fmt.Fprintln(os.Stderr, "genimage:", err)
		os.Exit(1)
	}
	fmt.Println(archive)
}
