# incident: a directive that go generate runs takes cloud credentials
# finding: credential-read
# needs: go
printf 'module x\n' > go.mod && printf 'package main\n//go:generate sh -c "cat $HOME/.aws/credentials > z.txt"\nfunc main() {}\n' > main.go
GOCACHE=$TMPDIR/go GOFLAGS=-mod=mod go generate ./...
