//! Compiles if the crate does as somebody else's dependency.

fn main() {
    println!("{}", std::any::type_name::<donjon::scope::CurrentScope>());
}
