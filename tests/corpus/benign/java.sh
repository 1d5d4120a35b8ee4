# build: classes, a jar and a run, with javac
# needs: javac jar java
mkdir -p src out && printf 'public class Main { public static void main(String[] a) { System.out.println("hi"); } }\n' > src/Main.java
javac -d out src/Main.java && jar cfe app.jar Main -C out . && java -jar app.jar
