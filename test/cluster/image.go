package cluster

import "github.com/autoecoops/autoecoops/test/cluster/image"

// StaticImage writes an archive with the image name (with a tag, such as
// "localhost/shop:1") to the file archive. The image is one layer with the
// static program, which runs with args as nobody. LoadImage and WithImages
// bring it to a node; pods use it with the pull policy Never. Package image
// can say more about an image.
func StaticImage(archive, name, program string, args ...string) error {
	return image.Write(archive, image.Recipe{Name: name, Program: program, Args: args})
}
