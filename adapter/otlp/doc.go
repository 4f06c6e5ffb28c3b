// Package otlp receives traces that programs and collectors push in
// OpenTelemetry's protocol, over HTTP (protobuf and JSON) and gRPC, and reads
// that protocol where others answer in it.
//
// What comes is bounded before it is read: connections, requests at a time, and
// the bytes of a message before and after decompression. Protobuf is walked and
// not unmarshalled: an attribute that nobody needs costs no memory, however
// large, and a message of a million empty spans makes no million spans. What is
// over a limit is rejected and counted, in the answer (partial success) and with
// the receiver of the spans; who comes while all slots are taken is told to try
// again later. Metrics and logs are taken where there is somebody to take them;
// else their services do not exist, which is what exporters understand.
package otlp
