module hotaru.dev/benchmarks/client

go 1.19
