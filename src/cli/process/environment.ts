/** Environment variables that the gateway and its commands read: for the page about them. */

export type Variable = { readonly name: string; readonly meaning: string };

export const ENVIRONMENT: readonly Variable[] = [
  { name: "OCSGW_LOG", meaning: "Level of the log: `trace`, `debug`, `info` (default), `warn`, `error` or `silent`." },
  {
    name: "OCSGW_LOG_FORMAT",
    meaning: "`json` (one object per line) or `text`. Default: `text` where stderr is a terminal, otherwise `json`.",
  },
  {
    name: "OCSGW_ADMIN_TOKEN",
    meaning: "Token of the admin API, for commands that ask the running gateway. Default: `audit.dir/admin.token`.",
  },
  {
    name: "OCSGW_CONTAINER",
    meaning:
      "Whether this is a container, where no other users could read key files: `0` means no, anything else yes. " +
      "Default: the gateway looks for Kubernetes, Docker and Podman.",
  },
  {
    name: "KUBERNETES_SERVICE_HOST",
    meaning: "Set by Kubernetes in each container. The gateway then knows that it runs in one.",
  },
  { name: "container", meaning: "Set by container managers. The gateway then knows that it runs in one." },
  {
    name: "OCSGW_COMMAND",
    meaning: "How messages name the program, so that commands in them can be copied. The launcher sets it.",
  },
  { name: "NO_COLOR", meaning: "Any value: no colours and no bold text. https://no-color.org" },
  { name: "TERM", meaning: "`dumb`: no colours, no bold text, no progress." },
  {
    name: "LISTEN_FDS",
    meaning: "With `LISTEN_PID` and `LISTEN_FDNAMES`: sockets that systemd passes. Only systemd should set them.",
  },
  { name: "LISTEN_PID", meaning: "See `LISTEN_FDS`." },
  { name: "LISTEN_FDNAMES", meaning: "See `LISTEN_FDS`." },
  { name: "NOTIFY_SOCKET", meaning: "Where the gateway tells systemd that it serves, reloads or stops." },
  {
    name: "CACHE_DIRECTORY",
    meaning:
      "Where compiled code is kept between starts: systemd's `CacheDirectory=`. Default: `XDG_CACHE_HOME/ocsgw`.",
  },
  { name: "XDG_CACHE_HOME", meaning: "See `CACHE_DIRECTORY`. Default: `~/.cache`." },
  { name: "NODE_COMPILE_CACHE", meaning: "Another folder for compiled code. Node's own variable." },
  { name: "NODE_DISABLE_COMPILE_CACHE", meaning: "No compiled code is kept. Node's own variable." },
  {
    name: "NODE_USE_ENV_PROXY",
    meaning: "`1`: requests to issuers and OpenID providers use the proxy in `HTTPS_PROXY`. Node's own variable.",
  },
];
