"""The public pages as a Django app."""

from django.apps import AppConfig


class PrivacyCenterConfig(AppConfig):
    name = "governance.privacy_center"
    label = "privacy_center"
    verbose_name = "Privacy centre"

    def ready(self) -> None:
        from audit import capture, reviews
        from governance.privacy_center import keeping, review_letters, tasks  # noqa: F401 - registers the handlers of jobs
        from governance.privacy_center.models import WebsiteForm

        capture.configuration(WebsiteForm)
        reviews.follow(review_letters.follow)
