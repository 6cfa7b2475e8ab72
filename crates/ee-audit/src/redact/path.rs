//! Places in an event.

/// A place in an event, on the stack of whoever walks there: nothing is allocated until somebody asks.
#[derive(Clone, Copy)]
pub(super) struct Path<'a> {
    above: Option<&'a Self>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    At(usize),
    Name(&'a str),
}

impl<'a> Path<'a> {
    /// Begins at the event.
    pub(super) const fn top(name: &'a str) -> Self {
        Self {
            above: None,
            step: Step::Name(name),
        }
    }

    /// Goes on to a member.
    pub(super) const fn name(&'a self, name: &'a str) -> Self {
        Self {
            above: Some(self),
            step: Step::Name(name),
        }
    }

    /// Goes on to an entry.
    pub(super) const fn at(&'a self, index: usize) -> Self {
        Self {
            above: Some(self),
            step: Step::At(index),
        }
    }

    /// Returns the place as a JSON pointer (RFC 6901).
    pub(super) fn pointer(&self) -> String {
        let mut pointer = self.above.map_or_else(String::new, Path::pointer);
        pointer.push('/');
        match self.step {
            Step::At(index) => pointer.push_str(&index.to_string()),
            Step::Name(name) if name.contains(['~', '/']) => {
                pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
            }
            Step::Name(name) => pointer.push_str(name),
        }
        pointer
    }

    /// Tells whether the pattern is of exactly this place.
    pub(super) fn fits(&self, pattern: &Pattern) -> bool {
        let mut place = Some(self);
        for wanted in pattern.0.iter().rev() {
            let Some(path) = place else { return false };
            let fits = wanted == "*"
                || match path.step {
                    Step::At(index) => index.to_string() == *wanted,
                    Step::Name(name) => name == wanted,
                };
            if !fits {
                return false;
            }
            place = path.above;
        }
        place.is_none()
    }
}

/// A JSON pointer in which `*` is any member or entry.
#[derive(Debug)]
pub(super) struct Pattern(Vec<String>);

impl Pattern {
    /// Reads it. `None` for what is no pointer.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let steps = text.strip_prefix('/')?.split('/');
        let steps = steps.map(|step| step.replace("~1", "/").replace("~0", "~"));
        Some(Self(steps.collect()))
    }

    /// Returns the steps.
    pub(super) fn steps(&self) -> Vec<&str> {
        self.0.iter().map(String::as_str).collect()
    }
}
