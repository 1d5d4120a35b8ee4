# build: unpack a release, patch it, build it, pack it again
# needs: tar patch gzip xz gcc
mkdir -p p-1.0/.github/workflows && printf 'int main(void) {\n    return 1;\n}\n' > p-1.0/main.c && echo 'on: push' > p-1.0/.github/workflows/x.yml
tar czf p.tgz p-1.0 && tar cJf p.txz p-1.0 && rm -rf p-1.0
cat > fix.patch <<'P'
--- a/main.c
+++ b/main.c
@@ -1,3 +1,3 @@
 int main(void) {
-    return 1;
+    return 0;
 }
P
tar xzf p.tgz && cd p-1.0 && patch -p1 < ../fix.patch && gcc -o main main.c && ./main && patch -R -p1 < ../fix.patch && gcc -o main main.c; patch -p1 < ../fix.patch
cd .. && xz -dc p.txz | tar t && gzip -dc p.tgz | tar x && zcat p.tgz | wc -c && sha256sum p.tgz > SHA256SUMS && sha256sum -c SHA256SUMS
