/** The Helm chart: what it asks for, what it makes, and whether that agrees with image, config and service. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { parse, stringify } from "yaml";
import manifest from "../../../package.json" with { type: "json" };
import { GIVEN_MS } from "../../../src/settings/stop-time.ts";
import { root, run } from "../../kit/command.ts";
import { describeAllowed, describeIf, programOf } from "../../kit/machine.ts";
import { deploy } from "../kit.ts";
import * as kit from "./kit.ts";
import {
  buildRenderer,
  CHART,
  defaults,
  FULL,
  LEAST,
  merged,
  schemaProblems,
  type Resource,
  type Values,
} from "./kit.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

const go = programOf("go");
const helm = programOf("helm");
const isThere = go !== undefined && kit.hasLibraries();
const chart = parse(kit.read("Chart.yaml")) as Record<string, string>;
const set = (path: string, value: unknown): Values =>
  path.split(".").reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as Values;
const changed = (values: Values, path: string, value: unknown): Values => merged(values, set(path, value));

describe("the values' schema", () => {
  it.each([
    ["the defaults", {}],
    ["the least values", LEAST],
    ["all values", FULL],
  ])("accepts %s", (_, values) => {
    expect(schemaProblems(values)).toEqual([]);
  });

  it.each([
    ["replicas", 0],
    ["shared.existingSecret", "Not A Name"],
    ["config.shared.postgres", "postgresql://db/ocsgw"],
    ["config.extra.node", "gw"],
    ["tls.existingsecret", "x"],
    ["tls.existingSecret", "Not A Name"],
    ["image.digest", "sha256:abc"],
    ["ports.clients", 443],
    ["bindAddress", "10.0.0.1"],
    ["probes.allowFrom", ["10.0.0.1"]],
    ["networkPolicy.ocs", ["ocs.example.com"]],
    ["drainDelay", 5],
    ["podDisruptionBudget.maxUnavailable", 2],
    ["service.type", "ExternalName"],
    ["config.audit.dir", "/tmp"],
    ["config.audit.checkpoint.key", "x"],
    ["config.listener.bind", "0.0.0.0:1"],
    ["config.listener.tls.key", "x"],
    ["config.admin.bind", "0.0.0.0:9640"],
    ["config.admin.probes", "0.0.0.0:1"],
    ["config.identity.keys.file", "x"],
    ["config.extra.tenants", []],
    ["config.extra.config.watch", "none"],
    ["config.extra.drain.delay", "1s"],
  ])("refuses %s: %j", (path, value) => {
    expect(schemaProblems(changed(LEAST, path, value))).not.toEqual([]);
  });
});

describe("the chart", () => {
  it("has the version of the package", () => {
    expect([chart["version"], chart["appVersion"]]).toEqual([manifest.version, manifest.version]);
  });

  it("restarts the pod for the keys that a reload cannot change, and for no other", () => {
    const source = readFileSync(join(root, "src/settings/diff/needs-restart.ts"), "utf8");
    const helpers = kit.read("templates/_helpers.tpl");
    for (const section of ["audit", "admin"]) {
      const [, mayChange] = new RegExp(`^  ${section}: \\[(.*)\\]`, "m").exec(source)!;
      const [, omitted] = new RegExp(`\\(?omit \\$config\\.${section} (.*?) -}}`).exec(helpers)!;
      expect(omitted!.split(" ").toSorted()).toEqual(mayChange!.split(", ").toSorted());
    }
  });
});

describeIf(isThere, "Go and its library sprig", "the rendered chart", () => {
  let renderer: kit.Renderer;
  beforeAll(() => void (renderer = buildRenderer(go!)));
  afterAll(() => renderer?.remove());
  const rendered = async (values: Values): Promise<readonly Resource[]> => (await renderer.render(values)).resources;
  const one = async <T>(values: Values, kind: string, name?: string): Promise<T> => {
    const found = (await rendered(values)).filter((each) => each.kind === kind);
    return (name === undefined ? found[0] : found.find((each) => each.metadata.name === name)) as T;
  };
  type StatefulSet = { spec: { template: { metadata: { annotations: Values }; spec: PodSpec } } };
  type Source = { configMap?: Projected; secret?: Projected };
  type Projected = { name: string; items: { key: string; path: string }[] };
  type PodSpec = {
    automountServiceAccountToken: boolean;
    terminationGracePeriodSeconds: number;
    securityContext: Values;
    containers: [Container];
    volumes: { name: string; projected?: { defaultMode: number; sources: Source[] } }[];
  };
  type Probe = { httpGet: { path: string; port: string } };
  type Container = {
    args: string[];
    securityContext: Values;
    ports: { name: string; containerPort: number }[];
    volumeMounts: { name: string; mountPath: string; readOnly?: boolean }[];
    livenessProbe: Probe;
    readinessProbe: Probe;
    startupProbe: Probe;
  };
  const pod = async (values: Values): Promise<PodSpec> =>
    (await one<StatefulSet>(values, "StatefulSet")).spec.template.spec;
  const configOf = async (values: Values): Promise<string> =>
    (await one<{ data: { "ocsgw.yaml": string } }>(values, "ConfigMap")).data["ocsgw.yaml"];

  const REQUIRED: readonly (readonly [string, unknown])[] = [
    ["image.repository", ""],
    ["journal.existingSecret", ""],
    ["tls.existingSecret", ""],
    ["apiKeys.existingSecret", ""],
    ["config.upstreams", null],
    ["config.tenants", []],
    ["config.audit.checkpoint.origin", ""],
    ["networkPolicy.ocs", []],
  ];

  it("fails without values, and names each missing one", async () => {
    const failure = await renderer.render({}).then(
      () => "",
      (error: Error) => error.message,
    );
    const named = [...failure.matchAll(/^ {2}([\w.]+): /gm)].map(([, path]) => path!);
    expect(named).toEqual(REQUIRED.map(([path]) => path));
  });

  it.each(REQUIRED)("fails without %s, and names no other value", async (path, nothing) => {
    const failure = renderer.render(changed(LEAST, path, nothing));
    await expect(failure).rejects.toThrow(
      new RegExp(`missing values:\n {2}${path.replaceAll(".", "\\.")}: [^\n]*\n+[^\n ]*`),
    );
    await expect(failure).rejects.not.toThrow(/\n {2}[\w.]+: [^\n]*\n {2}[\w.]+: /);
  });

  it.each([
    ["two pods without a shared database", { replicas: 2 }, "shared.existingSecret"],
    ["an origin that all pods have", { config: { audit: { checkpoint: { origin: "a.example.com/b" } } } }, "POD_NAME"],
    ["no way to the database", { networkPolicy: { database: [] } }, "networkPolicy.database"],
    ["one volume for two pods", { persistence: { existingClaim: "restored" } }, "persistence.existingClaim"],
  ])("fails with %s", async (_, values, named) => {
    const base = "replicas" in values ? LEAST : FULL;
    await expect(renderer.render(merged(base, values))).rejects.toThrow(named);
  });

  it("gives each pod a name, a journal's key of its own and the address of the shared database", async () => {
    const { node, shared, audit } = parse(await configOf(FULL)) as Record<string, Values>;
    expect([node, shared]).toEqual([
      "${POD_NAME}",
      { connections: 3, postgres: "${file:/etc/ocsgw/shared/url}", tls: { ca: "/etc/ocsgw/shared/ca.crt" } },
    ]);
    expect(audit!["checkpoint"]).toEqual({
      key: "/etc/ocsgw/journal/${POD_NAME}.pem",
      origin: "ocsgw.example.com/${POD_NAME}",
    });
    const { volumes } = await pod(FULL);
    const items = volumes.flatMap(({ projected }) =>
      (projected?.sources ?? []).flatMap(({ secret }) => secret?.items ?? []),
    );
    const keys = items.filter(({ key }) => key.startsWith("checkpoint"));
    expect(keys.map(({ path }) => path)).toEqual(["journal/gw-ocs-gateway-0.pem", "journal/gw-ocs-gateway-1.pem"]);
  });

  it.each([
    ["the least values", LEAST, 7],
    ["all values", FULL, 9],
  ])("has resources that Kubernetes accepts, with %s", async (_, values, count) => {
    const all = await rendered(values);
    expect(all).toHaveLength(count);
    for (const each of all) {
      const where = each.apiVersion.startsWith("monitoring.")
        ? "@kubernetes-models/prometheus-operator"
        : "kubernetes-models";
      const { [each.kind]: Model } = (await import(`${where}/${each.apiVersion}/${each.kind}`)) as Record<
        string,
        new (data: Resource) => { validate: () => void }
      >;
      expect(() => new Model!(each).validate(), each.kind).not.toThrow();
      expect(each.metadata.namespace).toBe("ocs");
      expect(each.metadata.labels["app.kubernetes.io/instance"]).toBe("gw");
    }
  });

  it("has no field that Kubernetes does not know", async () => {
    const dir = mkdtempSync(join(tmpdir(), "ocsgw-fields-"));
    symlinkSync(join(root, "node_modules"), join(dir, "node_modules"));
    const check = (all: readonly Resource[]) => {
      const lines = all.map((each) => {
        const where = each.apiVersion.startsWith("monitoring.")
          ? "@kubernetes-models/prometheus-operator/"
          : "kubernetes-models/";
        return `${JSON.stringify(each)} satisfies import("${where}${each.apiVersion}/${each.kind}").I${each.kind};\n`;
      });
      writeFileSync(join(dir, "fields.ts"), lines.map((line, at) => `export const r${at} = ${line}`).join(""));
      const flags = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--types", ""];
      return run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), ...flags, "fields.ts"], {
        cwd: dir,
      });
    };
    const all = await rendered(FULL);
    const right = await check(all);
    expect([right.code, right.stdout]).toEqual([0, ""]);
    const wrong = structuredClone(all) as unknown as {
      kind: string;
      spec: { template: { spec: { containers: Record<string, unknown>[] } } };
    }[];
    wrong.find(({ kind }) => kind === "StatefulSet")!.spec.template.spec.containers[0]!["securityContxt"] = {};
    expect((await check(wrong as never)).stdout).toContain("securityContxt");
    rmSync(dir, { recursive: true });
  });

  it("can be installed with the values of its page", async () => {
    const page = readFileSync(join(root, "src/docs/how-to/kubernetes.md"), "utf8");
    const values = parse(/^```yaml\n([^]*?)^```$/m.exec(page)![1]!) as Values;
    expect(schemaProblems(values)).toEqual([]);
    expect(await rendered(values)).toHaveLength(7);
  });

  it("makes no secret: each is one that the user created", async () => {
    const all = await rendered(FULL);
    expect(all.map(({ kind }) => kind)).not.toContain("Secret");
    const { volumes } = await pod(FULL);
    const { sources, defaultMode } = volumes.find(({ name }) => name === "config")!.projected!;
    expect(defaultMode).toBe(0o440);
    expect(sources.flatMap(({ secret }) => (secret ? [secret.name] : []))).toEqual([
      "ocsgw-journal",
      "ocsgw-tls",
      "ocsgw-keys",
      "ocsgw-database",
      "ocsgw-admins",
      "ocs-ca",
    ]);
  });

  it("is restricted as Kubernetes' Pod Security Standards say, for pod and container", async () => {
    const { securityContext, containers, automountServiceAccountToken } = await pod(LEAST);
    const user = Number(/^USER (\d+):/m.exec(readFileSync(join(deploy, "Dockerfile"), "utf8"))![1]);
    expect(automountServiceAccountToken).toBe(false);
    expect(securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: user,
      runAsGroup: user,
      fsGroup: user,
      seccompProfile: { type: "RuntimeDefault" },
    });
    expect(containers[0].securityContext).toEqual({
      runAsNonRoot: true,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
      seccompProfile: { type: "RuntimeDefault" },
    });
  });

  it("runs the image as the Dockerfile does, and mounts what it expects", async () => {
    const dockerfile = readFileSync(join(deploy, "Dockerfile"), "utf8");
    const [, command] = /^CMD (\[.*\])$/m.exec(dockerfile)!;
    const [, state] = /^VOLUME (\S+)$/m.exec(dockerfile)!;
    const { containers, terminationGracePeriodSeconds } = await pod(LEAST);
    const [{ args, volumeMounts, ports }] = containers;
    expect(args).toEqual(JSON.parse(command!));
    const mounted = Object.fromEntries(volumeMounts.map(({ name, mountPath }) => [name, mountPath]));
    expect(mounted).toEqual({ config: dirname(args.at(-1)!), state, tmp: "/tmp" });
    expect(dockerfile).toMatch(
      new RegExp(`^EXPOSE .*\\b${ports.find(({ name }) => name === "clients")!.containerPort}\\b`, "m"),
    );
    expect(terminationGracePeriodSeconds).toBe(GIVEN_MS / 1000);
  });

  it("asks on the probes' port: alive is not ready", async () => {
    const [container] = (await pod(LEAST)).containers;
    const asked = [container.startupProbe, container.livenessProbe, container.readinessProbe].map(
      ({ httpGet }) => httpGet,
    );
    expect(asked).toEqual([
      { path: "/healthz", port: "probes" },
      { path: "/healthz", port: "probes" },
      { path: "/readyz", port: "probes" },
    ]);
  });

  it("has services and rules for exactly the ports of the pod", async () => {
    type Service = { spec: { ports: { targetPort: string }[] } };
    const all = await rendered(FULL);
    const named = new Set((await pod(FULL)).containers[0].ports.map(({ name }) => name));
    const targets = all
      .filter(({ kind }) => kind === "Service")
      .flatMap((each) => (each as unknown as Service).spec.ports.map(({ targetPort }) => targetPort));
    expect(new Set(targets)).toEqual(named);
    const policy = await one<{ spec: { ingress: { ports: { port: number }[] }[] } }>(FULL, "NetworkPolicy");
    const opened = policy.spec.ingress.flatMap(({ ports }) => ports.map(({ port }) => port));
    const numbers = (await pod(FULL)).containers[0].ports.map(({ containerPort }) => containerPort);
    expect(new Set(opened)).toEqual(new Set(numbers));
  });

  it("lets the gateway load a changed config, and restarts the pod only for what a reload cannot apply", async () => {
    expect(parse(await configOf(LEAST))).toMatchObject({ config: { watch: "all" } });
    const checksum = async (values: Values): Promise<unknown> =>
      (await one<StatefulSet>(values, "StatefulSet")).spec.template.metadata.annotations["checksum/restart-needed"];
    const before = await checksum(LEAST);
    expect(before).toMatch(/^[0-9a-f]{64}$/);
    const tenants = [
      ...((LEAST["config"] as Values)["tenants"] as Values[]),
      { name: "Beta", dbid: 102, upstream: "ocs-main" },
    ];
    for (const [path, value] of [
      ["config.tenants", tenants],
      ["config.audit.retention", "30d"],
      ["config.upstreams.ocs-main.connections", 2],
      ["config.listener.names", ["gw.example.com"]],
    ] as const)
      expect(await checksum(changed(LEAST, path, value)), path).toBe(before);
    for (const [path, value] of [
      ["config.audit.disk_timeout", "7s"],
      ["config.admin.session", { idle: "5m" }],
      ["config.upstreams.ocs-main.callbacks", { bind: "0.0.0.0:8444" }],
    ] as const)
      expect(await checksum(changed(LEAST, path, value)), path).not.toBe(before);
  });

  const leaves = (value: unknown, path: readonly string[] = []): readonly (readonly [string, unknown])[] =>
    typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length > 0
      ? Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]))
      : [[path.join("."), value]];

  /** Other values, where one of the same type is not enough. */
  const OTHER: Readonly<Record<string, unknown>> = {
    bindAddress: "[::]",
    "config.upstreams": { other: { primary: "http://10.20.0.12:8080" } },
    "networkPolicy.ocsPorts": [77],
    startTimeoutSeconds: 700,
    "callbacks.type": "NodePort",
    "image.digest": `sha256:${"1".repeat(64)}`,
    "image.pullPolicy": "Always",
    "persistence.accessModes": ["ReadWriteOncePod"],
    "service.type": "NodePort",
    "service.externalTrafficPolicy": "Cluster",
    "serviceAccount.create": false,
    drainDelay: "7s",
    "serviceMonitor.interval": "77s",
    "serviceMonitor.scrapeTimeout": "7s",
    "persistence.size": "77Gi",
    "probes.allowFrom": ["10.77.0.0/16"],
    "podDisruptionBudget.maxUnavailable": 0,
  };
  const otherThan = (path: string, value: unknown): unknown => {
    if (path in OTHER) return OTHER[path];
    if (typeof value === "boolean") return !value;
    if (typeof value === "number") return value + 1;
    if (typeof value === "string") return value === "" ? "other" : `${value}-other`;
    return Array.isArray(value) ? [{ name: "other" }] : { other: "other" };
  };

  const valueAt = (values: unknown, path: string): unknown =>
    path.split(".").reduce<unknown>((inner, key) => (inner as Values)[key], values);

  it.each(leaves(defaults).map(([path]) => path))("uses the value %s", async (path) => {
    // With all values on, because some parts are off by default. A digest hides the tag.
    const base = path === "image.tag" || path === "persistence.existingClaim" ? LEAST : FULL;
    const value = valueAt(merged(defaults, base), path);
    const before = await renderer.render(base);
    const after = await renderer.render(changed(base, path, otherThan(path, value)));
    expect(after).not.toEqual(before);
  });

  it("ends with the next three commands, for this release and the image's paths", async () => {
    const { notes } = await renderer.render(LEAST);
    const commands = [...notes.matchAll(/^ {2}(kubectl .*)$/gm)].map(([, line]) => line!);
    expect(commands).toHaveLength(3);
    for (const each of commands) expect(each).toMatch(/^kubectl -n ocs (?:rollout|exec|port-forward) /);
    const [, entry] = /^ENTRYPOINT \["(.*)"\]$/m.exec(readFileSync(join(deploy, "Dockerfile"), "utf8"))!;
    expect(notes).toContain(` -- ${entry!.split('", "').join(" ")} status -c /etc/ocsgw/ocsgw.yaml\n`);
  });

  it("gives the gateway a config that check accepts, with every file where the config names it", async () => {
    const dir = mkdtempSync(join(tmpdir(), "ocsgw-chart-"));
    const etc = join(dir, "etc");
    const contents: Readonly<Record<string, string>> = {
      "index.key": `${"ab".repeat(32)}\n`,
      "index.2025.key": `${"cd".repeat(32)}\n`,
      "keys.yaml": "version: 1\nkeys: []\n",
      "admins.yaml": "version: 1\nadmins: []\n",
      "checkpoint-0.pem": (await run("openssl", ["genpkey", "-algorithm", "ed25519"])).stdout,
      "checkpoint-1.pem": (await run("openssl", ["genpkey", "-algorithm", "ed25519"])).stdout,
      url: "postgresql://ocsgw:secret@db.example.internal/ocsgw",
    };
    const tls = join(dir, "made");
    await run("sh", [join(deploy, "dev-certificates.sh"), "-d", tls, "gw.example.com"]);
    const { volumes } = await pod(FULL);
    for (const { configMap, secret } of volumes.find(({ name }) => name === "config")!.projected!.sources) {
      for (const { key, path } of (configMap ?? secret)!.items) {
        const file = join(etc, path);
        mkdirSync(dirname(file), { recursive: true });
        if (key === "ocsgw.yaml") continue;
        else if (key in contents) writeFileSync(file, contents[key]!, { mode: 0o600 });
        else cpSync(join(tls, { "tls.crt": "server.crt", "tls.key": "server.key", "ca.crt": "ca.crt" }[key]!), file);
      }
    }
    const values = changed(FULL, "config.upstreams.ocs-main", {
      primary: "https://10.20.0.11:8443",
      tls: { ca: "/etc/ocsgw/ocs/ca.crt" },
      callbacks: { bind: "0.0.0.0:8444", allow_from: ["10.20.0.0/24"] },
    });
    const text = (await configOf(values)).replaceAll("/etc/ocsgw", etc).replaceAll("/var/lib/ocsgw", dir);
    writeFileSync(join(etc, "ocsgw.yaml"), text);
    const args = ["src/cli/main.ts", "check", "--json", "-c", join(etc, "ocsgw.yaml")];
    const { code, stdout, stderr } = await run(process.execPath, args, {
      env: { POD_IP: "10.1.2.3", POD_NAME: "gw-ocs-gateway-0" },
    });
    rmSync(dir, { recursive: true });
    const codes = (JSON.parse(stdout) as { code: string; severity: string; message: string }[]).filter(
      ({ severity }) => severity === "error",
    );
    expect([code, codes, stderr]).toEqual([0, [], ""]);
  });

  describeAllowed(helm !== undefined, "helm", "by Helm itself", () => {
    it.each([
      ["the least values", LEAST],
      ["all values", FULL],
    ])("is free of faults, and the same, with %s", async (_, values) => {
      const dir = mkdtempSync(join(tmpdir(), "ocsgw-values-"));
      const file = join(dir, "values.yaml");
      writeFileSync(file, stringify(values, { version: "1.1" }));
      const lint = await run(helm!, ["lint", "--strict", CHART, "-f", file]);
      expect([lint.code, lint.stdout + lint.stderr]).toEqual([0, expect.stringContaining("0 chart(s) failed")]);
      const made = await run(helm!, ["template", "gw", CHART, "-n", "ocs", "-f", file]);
      rmSync(dir, { recursive: true });
      const byName = (all: readonly Resource[]): Values =>
        Object.fromEntries(
          all.map(({ data, ...each }) => [
            `${each.kind} ${each.metadata.name}`,
            // The two differ in how far they indent lists.
            { ...each, data: data && parse((data as Values)["ocsgw.yaml"] as string) },
          ]),
        );
      expect(byName(kit.resourcesIn(made.stdout))).toEqual(byName(await rendered(values)));
    });

    it("refuses a bare installation with the names of the missing values", async () => {
      const { code, stderr } = await run(helm!, ["template", "gw", CHART]);
      expect([code, stderr]).toEqual([1, expect.stringContaining("missing values:\n  image.repository: ")]);
    });
  });
});
