//! The part of the demo's first page that shows who one can be.

use askama::Template;
use donjon::crypto::{Clock as _, SystemClock};

use super::{ALL, Enters, PASSWORD, Persona};

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<section id="personas" aria-labelledby="who">
<h2 id="who">Who would you like to be?</h2>
<p class="lead">Each of them is in a state of their own. The password is <code>{{ PASSWORD }}</code>.
Mails end in the <a href="/dev/mailbox">mailbox</a>.</p>
<ul class="cards">{% for persona in personas %}
<li id="persona-{{ persona.id() }}"><h3>{{ persona.name }} <span class="badge">{{ persona.state }}</span></h3>
<p>{{ persona.story }}</p>
<p><code>{{ persona.email }}</code></p>{% if let Some(key) = persona.key() %}
<p>Key <code class="key">{{ key.expose() }}</code><br>Code <code class="code">{{ key.code_at(*now) }}</code> <a href="/">The next one</a></p>{% endif %}
{% if persona.enters == Enters::Link %}<form method="post" action="/login/link?return_to={{ persona.start }}"><input type="hidden" name="email" value="{{ persona.email }}"><button>Mail {{ persona.first_name() }} a link</button></form>
{% else if persona.enters == Enters::SingleSignOn %}<a class="button quiet" href="/login?login_hint={{ persona.email }}&amp;return_to={{ persona.start }}">Go to the login as {{ persona.first_name() }}</a>
{% else %}<form method="post" action="/login?return_to={{ persona.start }}"><input type="hidden" name="email" value="{{ persona.email }}"><input type="hidden" name="password" value="{{ PASSWORD }}"><button>Log in as {{ persona.first_name() }}</button></form>
{% endif %}</li>{% endfor %}
</ul>
</section>"#
)]
pub(crate) struct Cast {
    personas: Vec<&'static Persona>,
    now: time::OffsetDateTime,
}

impl Cast {
    pub(crate) fn now() -> Self {
        let personas = ALL.iter().filter(|persona| persona.is_there()).collect();
        Self { personas, now: SystemClock.now() }
    }
}

impl Persona {
    /// The first name, in an address.
    fn id(&self) -> &str {
        self.email.split('@').next().unwrap_or_default()
    }
}
