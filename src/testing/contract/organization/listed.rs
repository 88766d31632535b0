//! Which organizations an administrator finds.

use super::*;
use crate::store::OrganizationFilter;

impl Kit {
    pub(super) async fn organizations_are_listed_page_by_page(&self) -> Result<(), Violation> {
        const RULE: &str = "organizations are listed page by page, by how they are called";
        let prefix = fresh("list");
        let mut made = Vec::new();
        for number in 0..4 {
            let slug = format!("{prefix}-{number}");
            // Two are made at one moment; the last is found by its name, and not by its slug.
            let created_at = epoch() + time::Duration::seconds(number / 2);
            let mut new = new_organization(&slug, &user(&slug));
            new.created_at = created_at;
            if number == 3 {
                (new.name, new.slug) = (format!("{} ÉÉ", slug.to_uppercase()), fresh("other"));
            }
            self.0.store.create_organization(&new, None, &Effects::none()).await?;
            made.push((new.created_at, new.id));
        }
        made.sort_unstable();
        made.reverse();
        let mut filter = filter(&prefix);
        let mut seen = Vec::new();
        for _ in 0..=made.len() {
            let page = self.0.store.list_organizations(&filter, 1).await?;
            let Some(last) = page.last() else { break };
            filter.before = Some(last.id);
            seen.extend(page.iter().map(|one| (one.created_at, one.id)));
        }
        rule(RULE, seen == made, &seen)?;
        for (typed, expected) in [
            (format!("{prefix}-3"), 1),
            (format!("{}-3 ÉÉ", prefix.to_uppercase()), 1),
            (format!("{prefix}-2x"), 0),
            (format!("{prefix}%"), 0),
            (format!("x{prefix}"), 0),
        ] {
            let found = self.find(&typed).await?;
            rule(RULE, found.len() == expected, (typed, found))?;
        }
        Ok(())
    }

    pub(super) async fn a_deleted_organization_is_not_listed(&self) -> Result<(), Violation> {
        const RULE: &str = "an organization that was deleted is not listed";
        let slug = fresh("gone");
        let new = new_organization(&slug, &user(&slug));
        self.0.store.create_organization(&new, None, &Effects::none()).await?;
        let found = self.find(&slug).await?;
        rule("an organization is listed", found.iter().any(|one| one.id == new.id), found)?;
        self.0.store.delete_organization(new.id, None, &Effects::none(), at(1)).await?;
        let found = self.find(&slug).await?;
        rule(RULE, found.is_empty(), found)
    }

    async fn find(&self, prefix: &str) -> Result<Vec<crate::store::Organization>, Violation> {
        Ok(self.0.store.list_organizations(&filter(prefix), 10).await?)
    }
}

fn filter(prefix: &str) -> OrganizationFilter {
    OrganizationFilter { prefix: prefix.to_owned(), before: None }
}
