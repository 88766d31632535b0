/// Somebody who works at Acme.
pub(super) struct Employee {
    pub(super) login: &'static str,
    pub(super) name: &'static str,
    pub(super) role: &'static str,
    pub(super) email: &'static str,
}

/// Alice has an account at the host already; the others get one when they first come.
pub(super) const EMPLOYEES: [Employee; 4] = [
    Employee {
        login: "alice",
        name: "Alice Moreau",
        role: "Head of research",
        email: "alice@acme.example",
    },
    Employee { login: "bruno", name: "Bruno Keller", role: "Finance", email: "bruno@acme.example" },
    Employee { login: "sam", name: "Sam Ito", role: "Support, Helix", email: "sam@helix.example" },
    Employee { login: "chen", name: "Chen Li", role: "Engineering", email: "chen@acme.example" },
];

pub(super) fn find(login: &str) -> Option<&'static Employee> {
    EMPLOYEES.iter().find(|employee| employee.login == login)
}
