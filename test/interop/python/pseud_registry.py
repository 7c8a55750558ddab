"""Jobs under their names: registries over a base, domains with predicates, and the order in which jobs are tried."""

from pseud_errors import ComponentLookupError, ServiceNotFoundError

DEFAULT = "default"
RESTRICTED = "restricted"


class Job:
    def __init__(self, function, name, domain, with_identity):
        self.function = function
        self.name = name
        self.domain = domain
        self.with_identity = with_identity


class Predicate:
    """Tells whether a job may be called; made for one job."""

    def __init__(self, job):
        self.job = job

    def test(self, **arguments):
        return True


class RestrictedPredicate(Predicate):
    def test(self, user=None, **arguments):
        return user is not None and user.has_permission("DoSomethingNasty")


class Registry:
    def __init__(self, base=None):
        self.base = base
        self.jobs = {}
        self.predicates = {}

    def register(self, function, name=None, domain=DEFAULT, with_identity=False):
        """Replaces the job that has this name and domain; it counts as the latest then."""
        job = Job(function, name or function.__name__, domain, with_identity)
        self.jobs.pop((job.name, domain), None)
        self.jobs[job.name, domain] = job
        return function

    def job(self, name=None, domain=DEFAULT, with_identity=False):
        """The decorator."""
        return lambda function: self.register(function, name, domain, with_identity)

    def register_predicate(self, domain, predicate):
        self.predicates[domain] = predicate

    def find(self, name, arguments):
        """The first job of this name that is accepted: special domains first, then local ones, then later ones."""
        candidates = self.candidates(name)
        for job in sorted(candidates, key=lambda candidate: candidate.domain == DEFAULT):
            if self.predicate(job.domain)(job).test(**arguments):
                return job
        raise ServiceNotFoundError(name)

    def candidates(self, name):
        own = [job for job in reversed(self.jobs.values()) if job.name == name]
        return own + (self.base.candidates(name) if self.base else [])

    def predicate(self, domain):
        if domain in self.predicates:
            return self.predicates[domain]
        if self.base:
            return self.base.predicate(domain)
        raise ComponentLookupError(domain)


everywhere = Registry()
everywhere.register_predicate(DEFAULT, Predicate)
everywhere.register_predicate(RESTRICTED, RestrictedPredicate)


def local_registry():
    """A registry over the one of the whole process."""
    return Registry(everywhere)
