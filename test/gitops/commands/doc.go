// Package commands tries the commands of aeo that talk to a cluster, with the
// real aeo and aeod, on a real Kubernetes API server. It has tests only.
package commands
