"""Where the public log hangs: mounted at ``/log/``, which is also the origin of its checkpoints."""

from django.urls import path, re_path

from audit.publication import public

urlpatterns = [
    path("checkpoint", public.checkpoint, name="log-checkpoint"),
    path("log.vkey", public.key, name="log-key"),
    re_path(r"^tile/entries/(?P<path>[x0-9/.p]{3,60})$", public.entries, name="log-entries"),
    re_path(r"^tile/(?P<level>[0-9]{1,2})/(?P<path>[x0-9/.p]{3,60})$", public.tile, name="log-tile"),
    re_path(r"^entries/(?P<path>[x0-9/.p]{3,60})$", public.entries, name="log-entries-short"),
]
