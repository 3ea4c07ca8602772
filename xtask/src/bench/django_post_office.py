"""Prints how many messages a second django-post-office enqueues into SQLite in bulk: the reference of P3."""
import sys
import time

import django
from django.conf import settings

folder, count = sys.argv[1], int(sys.argv[2])
settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "post_office"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder + "/peer.db"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    EMAIL_BACKEND="post_office.EmailBackend",
)
django.setup()
from django.core.management import call_command  # noqa: E402
from post_office import mail  # noqa: E402

call_command("migrate", verbosity=0)
body = "ゆっくりした日もあれば、あわただしい日もあります。" * 20
best = 0.0
for attempt in range(3):
    start = time.perf_counter()
    for first in range(0, count, 1000):
        mail.send_many([
            {"sender": "a@example.jp", "recipients": [f"u{attempt}-{n}@reader.example"], "subject": "ことば", "message": body}
            for n in range(first, first + 1000)
        ])
    best = max(best, count / (time.perf_counter() - start))
print(best)
