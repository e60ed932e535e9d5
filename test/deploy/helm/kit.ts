/** The chart of deploy/helm, rendered by Go's template engine with Helm's functions (render.go). */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv } from "ajv";
import { parse, parseAllDocuments } from "yaml";
import { run } from "../../kit/command.ts";
import { deploy } from "../kit.ts";

export const CHART = join(deploy, "helm/ocs-gateway");
export const RELEASE = {
  Name: "gw",
  Namespace: "ocs",
  Service: "Helm",
  IsInstall: true,
  IsUpgrade: false,
  Revision: 1,
};

/** Where Debian has the sources of Go's libraries. */
const LIBRARIES = "/usr/share/gocode";

export const hasLibraries = (): boolean =>
  ["github.com/Masterminds/sprig", "gopkg.in/yaml.v3"].every((each) => existsSync(join(LIBRARIES, "src", each)));

export type Values = { readonly [key: string]: unknown };

const isMap = (value: unknown): value is Values => typeof value === "object" && value !== null && !Array.isArray(value);

/** As Helm merges: maps by their keys, everything else replaced; null removes. */
export const merged = (base: Values, over: Values): Values => {
  const result: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    if (value === null) delete result[key];
    else result[key] = isMap(value) && isMap(base[key]) ? merged(base[key], value) : value;
  }
  return result;
};

export const read = (name: string): string => readFileSync(join(CHART, name), "utf8");
export const defaults = parse(read("values.yaml")) as Values;

const validate = new Ajv({ strict: false, allErrors: true }).compile(JSON.parse(read("values.schema.json")) as object);

/** The places that the chart's schema refuses, as `/image/tag must be string`. */
export const schemaProblems = (values: Values): readonly string[] =>
  validate(merged(defaults, values))
    ? []
    : (validate.errors ?? []).map((each) => `${each.instancePath} ${each.message}`);

export type Resource = Readonly<Record<string, unknown>> & {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string; readonly labels: Record<string, string> };
  readonly spec: never;
};

export type Rendered = { readonly resources: readonly Resource[]; readonly notes: string };

export type Renderer = {
  /** Rejects with what a template fails with. `values`: those that a user gives. */
  readonly render: (values: Values) => Promise<Rendered>;
  readonly remove: () => void;
};

/** `go`: the compiler's path. */
export const buildRenderer = (go: string): Renderer => {
  const dir = mkdtempSync(join(tmpdir(), "ocsgw-helm-"));
  const program = join(dir, "render");
  const env = { ...process.env, GO111MODULE: "off", GOPATH: LIBRARIES, GOCACHE: join(dir, "cache"), GOFLAGS: "" };
  execFileSync(go, ["build", "-o", program, join(import.meta.dirname, "render.go")], { env });
  rmSync(join(dir, "cache"), { recursive: true });
  const { name, version, appVersion } = parse(read("Chart.yaml")) as Record<string, string>;
  const names = readdirSync(join(CHART, "templates"));
  const templates = Object.fromEntries(names.map((each) => [each, read(`templates/${each}`)]));
  const chart = { Name: name, Version: version, AppVersion: appVersion };
  return {
    render: async (values) => {
      const input = { chart, release: RELEASE, values: merged(defaults, values), templates };
      const { code, stdout, stderr } = await run(program, [], { input: JSON.stringify(input) });
      if (code !== 0) throw new Error(stderr);
      const { "NOTES.txt": notes, ...files } = JSON.parse(stdout) as Record<string, string>;
      return { notes: notes!, resources: Object.values(files).flatMap(resourcesIn) };
    },
    remove: () => rmSync(dir, { recursive: true }),
  };
};

/** Kubernetes reads YAML 1.1. */
export const resourcesIn = (text: string): readonly Resource[] =>
  parseAllDocuments(text, { version: "1.1", prettyErrors: true })
    .map((each) => {
      if (each.errors.length > 0) throw each.errors[0]!;
      return each.toJS() as Resource | null;
    })
    .filter((each) => each !== null);

/** The least that an installation needs. */
export const LEAST: Values = {
  image: { repository: "registry.example.com/ocsgw" },
  journal: { existingSecret: "ocsgw-journal" },
  tls: { existingSecret: "ocsgw-tls" },
  apiKeys: { existingSecret: "ocsgw-keys" },
  config: {
    upstreams: { "ocs-main": { primary: "http://10.20.0.11:8080" } },
    tenants: [
      {
        name: "Alpha Tenant",
        dbid: 101,
        upstream: "ocs-main",
        records: "dedicated",
        clients: { "alpha-ors": { actions: ["DoNotCall"] } },
      },
    ],
    audit: { checkpoint: { origin: "ocsgw.example.com/main" } },
  },
  networkPolicy: { ocs: ["10.20.0.0/24"] },
};

/** Everything that can be switched on. */
export const FULL: Values = merged(LEAST, {
  replicas: 2,
  shared: { existingSecret: "ocsgw-database", ca: true },
  config: { shared: { connections: 3 }, audit: { checkpoint: { origin: "ocsgw.example.com/${POD_NAME}" } } },
  image: { digest: `sha256:${"0".repeat(64)}`, pullSecrets: [{ name: "pull" }] },
  journal: { extraKeys: ["index.2025.key"] },
  admins: { existingSecret: "ocsgw-admins" },
  ocs: { existingSecret: "ocs-ca" },
  service: { type: "LoadBalancer", externalTrafficPolicy: "Local", loadBalancerSourceRanges: ["10.0.0.0/8"] },
  callbacks: { enabled: true, loadBalancerSourceRanges: ["10.20.0.0/24"] },
  networkPolicy: {
    ocsPorts: [8080],
    database: [{ podSelector: { matchLabels: { app: "postgres" } } }],
    clients: [{ namespaceSelector: {} }],
    monitoring: [{ namespaceSelector: { matchLabels: { name: "monitoring" } } }],
    extraEgress: [{ to: [{ ipBlock: { cidr: "10.30.0.0/24" } }], ports: [{ port: 443, protocol: "TCP" }] }],
  },
  serviceMonitor: { enabled: true, labels: { release: "prometheus" } },
  persistence: { storageClass: "fast", annotations: { "example.com/backup": "yes" } },
  podAnnotations: { "example.com/a": "b" },
  podLabels: { team: "dialer" },
  nodeSelector: { "kubernetes.io/os": "linux" },
  tolerations: [{ key: "dedicated", operator: "Exists", effect: "NoSchedule" }],
  affinity: { nodeAffinity: {} },
  topologySpreadConstraints: [
    { maxSkew: 1, topologyKey: "topology.kubernetes.io/zone", whenUnsatisfiable: "ScheduleAnyway" },
  ],
  priorityClassName: "system-cluster-critical",
  extraEnv: [{ name: "CLIENT_SECRET", valueFrom: { secretKeyRef: { name: "oidc", key: "secret" } } }],
  extraEnvFrom: [{ secretRef: { name: "more" } }],
  extraVolumes: [{ name: "client", secret: { secretName: "client-certificate", defaultMode: 288 } }],
  extraVolumeMounts: [{ name: "client", mountPath: "/etc/ocsgw-client", readOnly: true }],
});
