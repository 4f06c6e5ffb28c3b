package graph

import "testing"

func TestParseImage(t *testing.T) {
	for ref, want := range map[string]Image{
		"nginx":                             {"docker.io", "library/nginx", "", ""},
		"nginx:1.27":                        {"docker.io", "library/nginx", "1.27", ""},
		"bitnami/redis:7":                   {"docker.io", "bitnami/redis", "7", ""},
		"ghcr.io/a/b/c@sha256:00":           {"ghcr.io", "a/b/c", "", "sha256:00"},
		"localhost:5000/web:1@sha256:00":    {"localhost:5000", "web", "1", "sha256:00"},
		"localhost/web":                     {"localhost", "web", "", ""},
		"registry.example.com:443/web":      {"registry.example.com:443", "web", "", ""},
		"index.docker.io/library/nginx:1.0": {"docker.io", "library/nginx", "1.0", ""},
	} {
		if got, ok := ParseImage(ref); !ok || got != want {
			t.Errorf("ParseImage(%q) = %+v, %v", ref, got, ok)
		}
	}
	for _, ref := range []string{"", "a b", "${IMAGE}", "{{ .image }}", ":1"} {
		if got, ok := ParseImage(ref); ok {
			t.Errorf("ParseImage(%q) = %+v", ref, got)
		}
	}
	if img, _ := ParseImage("a/b:latest@sha256:00"); img.Moving() || img.Short() != "b" || img.Name() != "docker.io/a/b" {
		t.Errorf("%+v", img)
	}
	for _, ref := range []string{"a", "a:latest", "a:main", "x.io/a:stable"} {
		if img, _ := ParseImage(ref); !img.Moving() {
			t.Errorf("%s moves", ref)
		}
	}
}
