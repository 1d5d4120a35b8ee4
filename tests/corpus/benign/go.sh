# build: a Go module with a test
# needs: go
printf 'module demo\n\ngo 1.18\n' > go.mod; printf 'package main\n\nfunc two() int { return 2 }\n\nfunc main() { println(two()) }\n' > main.go
printf 'package main\n\nimport "testing"\n\nfunc TestTwo(t *testing.T) {\n\tif two() != 2 {\n\t\tt.Fatal()\n\t}\n}\n' > main_test.go
go build . && go test . && ./demo
