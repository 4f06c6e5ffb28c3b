// Package arch holds no code: its tests keep the house in order. They check
// the import rules, the budgets of size, the documentation of packages and
// exported names, and that generated files are up to date.
package arch
