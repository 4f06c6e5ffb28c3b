//go:build tools

package parity

import _ "sigs.k8s.io/kustomize/kustomize/v5"
