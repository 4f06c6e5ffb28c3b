// Package logs learns the kinds of lines that programs write, and says which of
// them speak of something that is wrong and new, or wrong and far more frequent
// than before.
//
// A Miner takes lines to pieces in one pass: words, and what stands between
// them. Words that have the form of a value (numbers, identifiers, addresses,
// paths, moments, sizes, what is assigned to a key) are values at once. Lines
// with the same words in the same places are of one Template; a line whose form
// is known costs a look-up and no memory. A new line is compared with the
// templates of its shape: where several of them differ in the same places only,
// and keep bringing new words there, these places hold values, and the templates
// become one. Of lines of JSON and of key=value pairs the message and the level
// are taken.
//
// The invariants:
//
//   - Memory is bounded, whatever the lines are: by the number of templates and
//     by their bytes. What was not seen for longest is forgotten, and counted.
//     Its name is remembered for longer, so that it is no news when it returns.
//   - The same lines give the same templates, identifiers and signals.
//   - The ID of a template is the hash of its text. A template that becomes more
//     general has a new ID; Resolve follows the old one.
//   - No line is dropped without being counted.
//   - Examples, and values in templates, don't hold what looks like a credential.
//
// A new template that is taken into a known one at once, because it differs in a
// value only, is no news: that is the price of generalising.
//
// What it refuses: reading clocks, files or networks. It has one set of constants
// for all logs and no table of patterns for a program.
package logs
