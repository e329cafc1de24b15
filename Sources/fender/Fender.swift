@main
struct Fender {
    static func main() {}
}
