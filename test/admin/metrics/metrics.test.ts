import { describe, expect, it } from "vitest";
import { Counts } from "../../../src/admin/counters.ts";
import { createMetrics } from "../../../src/admin/metrics/metrics.ts";
import type { Sources } from "../../../src/admin/metrics/sources.ts";
import { unavailableIssuers, type UpstreamState } from "../../../src/admin/status.ts";

const lane = (
  number: number,
  state: UpstreamState["lanes"][number]["state"],
  tenant?: string,
): UpstreamState["lanes"][number] => ({
  name: `ocs-main/${number}`,
  endpoint: "https://ocs1:8443",
  state,
  tenant,
  since: 10,
});

const ocsMain: UpstreamState = {
  name: "ocs-main",
  epoch: 3,
  endpoints: [
    {
      endpoint: "https://ocs1:8443",
      role: "primary",
      active: false,
      up: false,
      standby: { seen: "refuses", detail: "ECONNREFUSED", since: 5000, expected: "closes", healthy: false },
    },
    { endpoint: "https://ocs2:8443", role: "backup", active: true, up: true },
  ],
  lanes: [lane(1, "busy", "Alpha"), lane(2, "busy", "Beta"), lane(3, "idle")],
  queue: [{ tenant: "Alpha", dbid: 101, waiting: 4, bytes: 900, oldest: 20 }],
};

const scrape = (over: Partial<Sources> = {}): Promise<string> =>
  createMetrics({
    counts: new Counts(),
    tenants: [
      { name: "Alpha", upstream: "ocs-main" },
      { name: "Beta", upstream: "ocs-main" },
    ],
    upstreams: () => [ocsMain],
    journal: () => ({ failed: undefined, failures: 0 }),
    checkpointAge: () => 7000,
    certificates: [],
    configHash: "c0ffee",
    ...over,
  })();

/** The samples of one metric, unchanged. */
const samplesOf = (text: string, name: string): string[] =>
  text.split("\n").filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
const valueOf = (text: string, name: string): number => Number(samplesOf(text, name)[0]?.split(" ").at(-1));

const NAMES = [
  "ocsgw_requests_total counter",
  "ocsgw_refusals_total counter",
  "ocsgw_would_refuse_total counter",
  "ocsgw_idempotency_total counter",
  "ocsgw_phase_seconds histogram",
  "ocsgw_requests_in_doubt gauge",
  "ocsgw_limit_used_ratio gauge",
  "ocsgw_limits_shared gauge",
  "ocsgw_limit_points_in_hand gauge",
  "ocsgw_limit_statements_total counter",
  "ocsgw_upstream_up gauge",
  "ocsgw_switchovers_total counter",
  "ocsgw_upstream_phase_seconds histogram",
  "ocsgw_lanes gauge",
  "ocsgw_lane_lease gauge",
  "ocsgw_lane_leased gauge",
  "ocsgw_queue_depth gauge",
  "ocsgw_queue_oldest_seconds gauge",
  "ocsgw_standby gauge",
  "ocsgw_standby_healthy gauge",
  "ocsgw_record_handles gauge",
  "ocsgw_callbacks_total counter",
  "ocsgw_callback_seconds histogram",
  "ocsgw_alarms_total counter",
  "ocsgw_dnc_open gauge",
  "ocsgw_dnc_open_oldest_seconds gauge",
  "ocsgw_outbox_pending gauge",
  "ocsgw_outbox_oldest_seconds gauge",
  "ocsgw_outbox_alarms gauge",
  "ocsgw_outbox_attempts_total counter",
  "ocsgw_journal_up gauge",
  "ocsgw_journal_failures_total counter",
  "ocsgw_journal_append_seconds histogram",
  "ocsgw_journal_waiting_entries gauge",
  "ocsgw_journal_lag_seconds gauge",
  "ocsgw_journal_bytes gauge",
  "ocsgw_disk_free_bytes gauge",
  "ocsgw_disk_full_in_seconds gauge",
  "ocsgw_journal_verified_entries gauge",
  "ocsgw_journal_damage gauge",
  "ocsgw_journal_checkpoint_age_seconds gauge",
  "ocsgw_second_place_up gauge",
  "ocsgw_second_place_waiting gauge",
  "ocsgw_retention_ok gauge",
  "ocsgw_retention_next_look_seconds gauge",
  "ocsgw_retention_deleted_entries_total counter",
  "ocsgw_witness_cosigned_entries gauge",
  "ocsgw_witness_age_seconds gauge",
  "ocsgw_witness_quorum_met gauge",
  "ocsgw_timestamp_age_seconds gauge",
  "ocsgw_forward_up gauge",
  "ocsgw_forward_lag_entries gauge",
  "ocsgw_forward_next_index gauge",
  "ocsgw_forward_failures_total counter",
  "ocsgw_forward_missing_entries_total counter",
  "ocsgw_cluster_nodes gauge",
  "ocsgw_cluster_lease_seconds gauge",
  "ocsgw_cluster_database_up gauge",
  "ocsgw_cluster_statement_seconds histogram",
  "ocsgw_cluster_statement_failures_total counter",
  "ocsgw_cluster_statements_waiting gauge",
  "ocsgw_ownership_log_position gauge",
  "ocsgw_ownership_log_lag_events gauge",
  "ocsgw_ownership_current gauge",
  "ocsgw_ownership_unwritten_events gauge",
  "ocsgw_ownership_events_total counter",
  "ocsgw_ownership_finalizing_turns_total counter",
  "ocsgw_ownership_reads_total counter",
  "ocsgw_ownership_waits_total counter",
  "ocsgw_build_info gauge",
  "ocsgw_serving gauge",
  "ocsgw_config_info gauge",
  "ocsgw_config_reload_ok gauge",
  "ocsgw_cert_expiry_seconds gauge",
  "ocsgw_connections gauge",
  "ocsgw_connections_left gauge",
  "ocsgw_descriptors_left gauge",
  "ocsgw_plain_on_tls_total counter",
  "ocsgw_log_lines_dropped_total counter",
  "ocsgw_console_logins_total counter",
  "ocsgw_auth_failures_total counter",
  "ocsgw_no_answer_total counter",
  "ocsgw_telemetry_items_total counter",
  "ocsgw_key_set_age_seconds gauge",
  "ocsgw_key_set_up gauge",
];

describe("metrics", () => {
  it("show the state of witnesses and time stamping, and are absent without them or their answer", async () => {
    const outside = {
      witnesses: () => [
        { witness: "w1+01020304", size: 70, age: 2500 },
        { witness: "w2+05060708", size: 0, age: undefined },
      ],
      quorum: () => ({ isMet: false, size: 0 }),
      timestamps: () => ({ last: { age: 61_000 } }),
    };
    const text = await scrape({ evidence: outside });
    expect(samplesOf(text, "ocsgw_witness_cosigned_entries")).toEqual([
      'ocsgw_witness_cosigned_entries{witness="w1+01020304"} 70',
      'ocsgw_witness_cosigned_entries{witness="w2+05060708"} 0',
    ]);
    expect(samplesOf(text, "ocsgw_witness_age_seconds")).toEqual([
      'ocsgw_witness_age_seconds{witness="w1+01020304"} 2.5',
    ]);
    expect(samplesOf(text, "ocsgw_witness_quorum_met")).toEqual(["ocsgw_witness_quorum_met 0"]);
    expect(samplesOf(text, "ocsgw_timestamp_age_seconds")).toEqual(["ocsgw_timestamp_age_seconds 61"]);
    const without = await scrape({ evidence: { witnesses: () => [], quorum: () => null, timestamps: () => null } });
    for (const { name } of [
      { name: "ocsgw_witness_quorum_met" },
      { name: "ocsgw_timestamp_age_seconds" },
      { name: "ocsgw_witness_age_seconds" },
    ])
      expect(samplesOf(without, name)).toEqual([]);
  });

  it("show the age of issuers' key sets, except of sets that were never fetched", async () => {
    const text = await scrape({
      keySets: () => [
        { issuer: "corp", age: 61_000, validFor: 9, lastError: undefined },
        { issuer: "old", age: 7000, validFor: 0, lastError: "ECONNREFUSED" },
        { issuer: "never", age: undefined, validFor: 0, lastError: "no such host" },
        { issuer: "new", age: undefined, validFor: 0, lastError: undefined },
      ],
    });
    expect(samplesOf(text, "ocsgw_key_set_age_seconds")).toEqual([
      'ocsgw_key_set_age_seconds{issuer="corp"} 61',
      'ocsgw_key_set_age_seconds{issuer="old"} 7',
    ]);
    expect(samplesOf(text, "ocsgw_key_set_up")).toEqual([
      'ocsgw_key_set_up{issuer="corp"} 1',
      'ocsgw_key_set_up{issuer="old"} 0',
      'ocsgw_key_set_up{issuer="never"} 0',
    ]);
    expect(
      unavailableIssuers([
        { issuer: "corp", age: 12 * 60_000, validFor: 23 * 3_600_000, lastError: "HTTP 500" },
        { issuer: "fine", age: 1, validFor: 1, lastError: undefined },
      ]),
    ).toEqual([
      "the keys of issuer corp cannot be fetched (HTTP 500): its tokens are verified with the keys of 12 min ago, " +
        "for 23 h more at most",
    ]);
  });

  it("have exactly the pinned names, each with its type and help text", async () => {
    const text = await scrape();
    expect([...text.matchAll(/^# TYPE (ocsgw_.*)$/gm)].map(([, type]) => type!).toSorted()).toEqual(NAMES.toSorted());
    expect([...text.matchAll(/^# HELP ocsgw_\w+ \S.*\.$/gm)]).toHaveLength(NAMES.length);
  });

  it("show the process under prom-client's usual names, also with two gateways in one process", async () => {
    // The lag has no value before its first sample; its HELP line stands there from the first scrape on.
    await expect.poll(async () => samplesOf(await scrape(), "nodejs_eventloop_lag_p99_seconds")).toHaveLength(1);
    for (const text of [await scrape(), await scrape()]) {
      expect(valueOf(text, "process_resident_memory_bytes")).toBeGreaterThan(1e6);
      expect(samplesOf(text, "nodejs_eventloop_lag_p99_seconds")).toHaveLength(1);
    }
  });

  it("show the disk use of the journal, except while it is unknown", async () => {
    const text = await scrape({ diskUse: () => ({ journal: 1_200_000_000, free: 34_000_000_000 }) });
    expect([valueOf(text, "ocsgw_journal_bytes"), valueOf(text, "ocsgw_disk_free_bytes")]).toEqual([
      1_200_000_000, 34_000_000_000,
    ]);
    expect(samplesOf(await scrape({ diskUse: () => undefined }), "ocsgw_journal_bytes")).toEqual([]);
  });

  it("show open Do-Not-Calls and the oldest's age by tenant, also of removed tenants, unless unknown", async () => {
    const at = (seconds: number): number => (Date.now() - seconds * 1000) * 1000;
    const text = await scrape({
      openDoNotCalls: () => [
        { tenant: "Alpha", open: 2, oldest: at(7200) },
        { tenant: "Former", open: 1, oldest: at(60) },
        { tenant: null, open: 3, oldest: at(5) },
      ],
    });
    expect(samplesOf(text, "ocsgw_dnc_open")).toEqual([
      'ocsgw_dnc_open{tenant="Alpha"} 2',
      'ocsgw_dnc_open{tenant="Beta"} 0',
      'ocsgw_dnc_open{tenant="Former"} 1',
      'ocsgw_dnc_open{tenant="none"} 3',
    ]);
    expect(samplesOf(text, "ocsgw_dnc_open_oldest_seconds").map((line) => line.replace(/\.\d+$/, ""))).toEqual(
      [
        ["Alpha", 7200],
        ["Former", 60],
        ["none", 5],
      ].map(([tenant, age]) => `ocsgw_dnc_open_oldest_seconds{tenant="${tenant}"} ${age}`),
    );
    // A tenant may have that name too.
    const both = await scrape({
      openDoNotCalls: () => [
        { tenant: null, open: 3, oldest: at(5) },
        { tenant: "none", open: 2, oldest: at(50) },
        { tenant: "Alpha", open: 1, oldest: at(1) },
      ],
    });
    expect(samplesOf(both, "ocsgw_dnc_open")).toEqual([
      'ocsgw_dnc_open{tenant="Alpha"} 1',
      'ocsgw_dnc_open{tenant="Beta"} 0',
      'ocsgw_dnc_open{tenant="none"} 5',
    ]);
    expect(samplesOf(both, "ocsgw_dnc_open_oldest_seconds").map((line) => line.replace(/\.\d+$/, ""))).toEqual(
      [
        ["none", 50],
        ["Alpha", 1],
      ].map(([tenant, age]) => `ocsgw_dnc_open_oldest_seconds{tenant="${tenant}"} ${age}`),
    );
    const unknown = await scrape({ openDoNotCalls: () => undefined });
    expect([samplesOf(unknown, "ocsgw_dnc_open"), samplesOf(unknown, "ocsgw_dnc_open_oldest_seconds")]).toEqual([
      [],
      [],
    ]);
  });

  it("show whether the journal can be written, and how often writing failed", async () => {
    const text = await scrape({ journal: () => ({ failed: "the journal cannot be written: ENOSPC", failures: 3 }) });
    expect([valueOf(text, "ocsgw_journal_up"), valueOf(text, "ocsgw_journal_failures_total")]).toEqual([0, 3]);
    expect(valueOf(await scrape(), "ocsgw_journal_up")).toBe(1);
  });

  it("are in Prometheus' text format", async () => {
    const counts = new Counts();
    counts.observe({ arrival: { at: 0 }, tenant: { name: "Alpha" }, journal: 1 }, { status: 200 });
    const sample = /^[a-zA-Z_:][\w:]*(\{([a-z_]+="([^"\\\n]|\\[\\n"])*",?)+\})? (-?\d+(\.\d+)?(e[+-]?\d+)?|\+Inf|Nan)$/;
    const lines = (await scrape({ counts })).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    expect(lines.filter((line) => !sample.test(line))).toEqual([]);
    expect(lines.length).toBeGreaterThan(100);
  });

  it("are current at every scrape", async () => {
    const counts = new Counts();
    const metrics = createMetrics({
      counts,
      tenants: [],
      upstreams: () => [ocsMain],
      journal: () => ({ failed: undefined, failures: 0 }),
      checkpointAge: () => 0,
      certificates: [],
      configHash: "c0ffee",
    });
    const seen = {
      arrival: { at: 0 },
      tenant: { name: "Alpha" },
      operation: { action: { name: "DoNotCall" } },
      journal: 0,
    };
    counts.observe(seen, { status: 200 });
    await metrics();
    counts.observe(seen, { status: 200 });
    counts.observe(seen, { status: 403, code: "OCSGW-2104" });
    counts.alarm("ocs-main");
    counts.switchover("ocs-main");
    const text = await metrics();
    expect(samplesOf(text, "ocsgw_requests_total")).toEqual([
      'ocsgw_requests_total{tenant="Alpha",action="DoNotCall",origin="ocs",status_class="2xx"} 2',
      'ocsgw_requests_total{tenant="Alpha",action="DoNotCall",origin="gateway",status_class="4xx"} 1',
    ]);
    expect(samplesOf(text, "ocsgw_refusals_total")).toEqual([
      'ocsgw_refusals_total{tenant="Alpha",code="OCSGW-2104"} 1',
    ]);
    expect([samplesOf(text, "ocsgw_alarms_total"), samplesOf(text, "ocsgw_switchovers_total")]).toEqual([
      ['ocsgw_alarms_total{upstream="ocs-main"} 1'],
      ['ocsgw_switchovers_total{upstream="ocs-main"} 1'],
    ]);
  });

  it("show histograms in seconds, cumulative, with every phase from the start", async () => {
    const counts = new Counts();
    for (const ms of [0.2, 3, 3, 40_000]) counts.phases.ocs.observe(ms);
    const text = await scrape({ counts });
    const buckets = samplesOf(text, "ocsgw_phase_seconds_bucket").filter((line) => line.includes('phase="ocs"'));
    expect(buckets).toContain('ocsgw_phase_seconds_bucket{phase="ocs",le="0.0001"} 0');
    expect(buckets).toContain('ocsgw_phase_seconds_bucket{phase="ocs",le="0.0025"} 1');
    expect(buckets).toContain('ocsgw_phase_seconds_bucket{phase="ocs",le="0.005"} 3');
    expect(buckets).toContain('ocsgw_phase_seconds_bucket{phase="ocs",le="30"} 3');
    expect(buckets.at(-1)).toBe('ocsgw_phase_seconds_bucket{phase="ocs",le="+Inf"} 4');
    expect(samplesOf(text, "ocsgw_phase_seconds_sum").find((line) => line.includes('"ocs"'))).toMatch(/ 40\.0062/);
    expect(samplesOf(text, "ocsgw_phase_seconds_count")).toHaveLength(5);
    expect(samplesOf(text, "ocsgw_journal_append_seconds_count")).toEqual(["ocsgw_journal_append_seconds_count 0"]);
  });

  it("show lanes, queues and roles, with zeros for empty ones", async () => {
    const text = await scrape();
    expect(samplesOf(text, "ocsgw_lanes").map((line) => line.slice('ocsgw_lanes{upstream="ocs-main",'.length))).toEqual(
      ['state="idle"} 1', 'state="connecting"} 0', 'state="busy"} 2', 'state="ready"} 0'],
    );
    expect(samplesOf(text, "ocsgw_queue_depth")).toEqual([
      'ocsgw_queue_depth{upstream="ocs-main",tenant="Alpha"} 4',
      'ocsgw_queue_depth{upstream="ocs-main",tenant="Beta"} 0',
    ]);
    expect(samplesOf(text, "ocsgw_upstream_up")).toEqual([
      'ocsgw_upstream_up{upstream="ocs-main",endpoint="https://ocs1:8443",role="primary"} 0',
      'ocsgw_upstream_up{upstream="ocs-main",endpoint="https://ocs2:8443",role="backup"} 1',
    ]);
    expect([samplesOf(text, "ocsgw_standby"), samplesOf(text, "ocsgw_standby_healthy")]).toEqual([
      ['ocsgw_standby{upstream="ocs-main",endpoint="https://ocs1:8443",seen="refuses"} 1'],
      ['ocsgw_standby_healthy{upstream="ocs-main",endpoint="https://ocs1:8443"} 0'],
    ]);
    expect(samplesOf(text, "ocsgw_alarms_total")).toEqual(['ocsgw_alarms_total{upstream="ocs-main"} 0']);
  });

  it("show ages, expiry of certificates and the config hash", async () => {
    const text = await scrape({
      certificates: [
        { of: "listeners.clients", what: "cert", notAfter: Date.now() + 86_400_000, warnFrom: 0 },
        { of: "upstreams.ocs-main", what: "ca", notAfter: Date.now() - 60_000, warnFrom: 0 },
      ],
    });
    expect(valueOf(text, "ocsgw_journal_checkpoint_age_seconds")).toBeGreaterThanOrEqual(7);
    const [valid, over] = samplesOf(text, "ocsgw_cert_expiry_seconds").map(
      (line) => line.split(" ") as [string, string],
    );
    expect([valid?.[0], over?.[0]]).toEqual([
      'ocsgw_cert_expiry_seconds{of="listeners.clients",what="cert"}',
      'ocsgw_cert_expiry_seconds{of="upstreams.ocs-main",what="ca"}',
    ]);
    expect(Number(valid?.[1])).toBeGreaterThan(80_000);
    expect(Number(over?.[1])).toBeLessThanOrEqual(-60);
    expect(samplesOf(text, "ocsgw_config_info")).toEqual(['ocsgw_config_info{hash="c0ffee"} 1']);
  });

  it.each<[string, Partial<Sources>, string, string[]]>([
    ["which upstream switched", {}, "ocsgw_switchovers_total", ['{upstream="ocs-main"} 0']],
    [
      "the oldest wait of each tenant, and 0 without a waiting request",
      {},
      "ocsgw_queue_oldest_seconds",
      ['{upstream="ocs-main",tenant="Alpha"} 0.02', '{upstream="ocs-main",tenant="Beta"} 0'],
    ],
    [
      "the journal's lag",
      { journal: () => ({ failed: undefined, failures: 0, waiting: 3, lag: 1500 }) },
      "ocsgw_journal_lag_seconds",
      [" 1.5"],
    ],
    [
      "entries that wait for the disk",
      { journal: () => ({ failed: undefined, failures: 0, waiting: 3, lag: 1500 }) },
      "ocsgw_journal_waiting_entries",
      [" 3"],
    ],
    [
      "the time until the disk is full",
      { diskUse: () => ({ journal: 1, free: 2, fullInMs: 7_200_000 }) },
      "ocsgw_disk_full_in_seconds",
      [" 7200"],
    ],
    [
      "no time for a disk that does not fill up",
      { diskUse: () => ({ journal: 1, free: 2, fullInMs: undefined }) },
      "ocsgw_disk_full_in_seconds",
      [],
    ],
    [
      "open connections",
      { connections: () => [{ listener: "clients", open: 12, left: 9988 }] },
      "ocsgw_connections",
      ['{listener="clients"} 12'],
    ],
    [
      "how many connections are left",
      { connections: () => [{ listener: "clients", open: 12, left: 9988 }] },
      "ocsgw_connections_left",
      ['{listener="clients"} 9988'],
    ],
    ["no descriptors without a limit", { descriptorLimit: undefined }, "ocsgw_descriptors_left", []],
    [
      "whether checkpoints arrive",
      {
        checkpointSinks: () => [
          { place: "file:/a", arrives: true, waiting: 0 },
          { place: "file:/b", arrives: false, waiting: 7 },
          { place: "file:/c", arrives: undefined, waiting: 1 },
        ],
      },
      "ocsgw_second_place_up",
      ['{place="file:/a"} 1', '{place="file:/b"} 0'],
    ],
    [
      "how many checkpoints wait for a checkpoint sink",
      { checkpointSinks: () => [{ place: "file:/b", arrives: false, waiting: 7 }] },
      "ocsgw_second_place_waiting",
      ['{place="file:/b"} 7'],
    ],
    [
      "that retention waits",
      { retention: { state: () => ({ waits: "the clock jumped", next_look: 60_000 }), deleted: () => 40 } },
      "ocsgw_retention_ok",
      [" 0"],
    ],
    [
      "that retention works",
      { retention: { state: () => ({ waits: null, next_look: 60_000 }), deleted: () => 40 } },
      "ocsgw_retention_ok",
      [" 1"],
    ],
    [
      "when retention runs next",
      { retention: { state: () => ({ waits: null, next_look: 60_000 }), deleted: () => 40 } },
      "ocsgw_retention_next_look_seconds",
      [" 60"],
    ],
    [
      "what retention deleted",
      { retention: { state: () => ({ waits: null, next_look: 60_000 }), deleted: () => 40 } },
      "ocsgw_retention_deleted_entries_total",
      [" 40"],
    ],
    ["requests in doubt", { inDoubt: 2 }, "ocsgw_requests_in_doubt", [" 2"]],
    ["no requests in doubt before they are counted", {}, "ocsgw_requests_in_doubt", []],
    ["whether it takes requests", { serving: true }, "ocsgw_serving", [" 1"]],
    ["that it takes none while it drains", { serving: false }, "ocsgw_serving", [" 0"]],
    ["the build", { version: "1.2.3" }, "ocsgw_build_info", [`{version="1.2.3",node="${process.versions.node}"} 1`]],
    [
      "only limits of which at least half is used",
      {
        limits: () => [
          { tenant: "Alpha", limit: "tenant", used: 0.9 },
          { tenant: "Alpha", limit: "urgent", used: 0.49 },
        ],
        queueMax: () => 5,
      },
      "ocsgw_limit_used_ratio",
      ['{tenant="Alpha",limit="tenant"} 0.9', '{tenant="Alpha",limit="queue"} 0.8'],
    ],
    [
      "nothing verified before the first time",
      { backgroundVerify: { verified: () => undefined, damage: () => [] } },
      "ocsgw_journal_verified_entries",
      [],
    ],
    [
      "no damage metric before the first verification",
      { backgroundVerify: { verified: () => undefined, damage: () => [] } },
      "ocsgw_journal_damage",
      [],
    ],
    [
      "0 damage after a complete verification",
      { backgroundVerify: { verified: () => ({ size: 9 }), damage: () => [] } },
      "ocsgw_journal_damage",
      [" 0"],
    ],
    [
      "damage, also while nothing is verified",
      { backgroundVerify: { verified: () => undefined, damage: () => ["line 3"] } },
      "ocsgw_journal_damage",
      [" 1"],
    ],
    [
      "no quorum before a witness answered",
      {
        evidence: {
          witnesses: () => [{ witness: "w", size: 0, age: undefined }],
          quorum: () => ({ isMet: false, size: 0 }),
          timestamps: () => null,
        },
      },
      "ocsgw_witness_quorum_met",
      [],
    ],
    [
      "a missed quorum if a witness is unreachable",
      {
        evidence: {
          witnesses: () => [{ witness: "w", size: 0, age: undefined, trouble: "ECONNREFUSED" }],
          quorum: () => ({ isMet: false, size: 0 }),
          timestamps: () => null,
        },
      },
      "ocsgw_witness_quorum_met",
      [" 0"],
    ],
    ["no value that is not a number", { checkpointAge: () => Number.NaN }, "ocsgw_journal_checkpoint_age_seconds", []],
  ])("show %s", async (_, over, name, expected) => {
    expect(samplesOf(await scrape(over), name).map((line) => line.slice(name.length))).toEqual(expected);
  });

  it("show how long requests of each upstream wait, and how long OCS waits for callbacks", async () => {
    const counts = new Counts();
    for (const [upstream, queue, ocs] of [
      ["one", 3, 40],
      ["two", 0.2, 0],
    ] as const) {
      counts.observe(
        { arrival: { at: 0 }, tenant: { name: "Alpha", upstream }, journal: 1, waits: { queue, ocs } },
        { status: 200 },
      );
    }
    counts.answeredCallback("one", 7);
    const text = await scrape({ counts });
    const of = (name: string): string[] => samplesOf(text, name).map((line) => line.slice(name.length));
    expect(of("ocsgw_upstream_phase_seconds_count")).toEqual([
      '{upstream="one",phase="queue"} 1',
      '{upstream="one",phase="ocs"} 1',
      '{upstream="two",phase="queue"} 1',
      '{upstream="two",phase="ocs"} 0',
    ]);
    expect(of("ocsgw_upstream_phase_seconds_sum").slice(0, 2)).toEqual([
      '{upstream="one",phase="queue"} 0.003',
      '{upstream="one",phase="ocs"} 0.04',
    ]);
    expect([of("ocsgw_callback_seconds_sum"), of("ocsgw_callback_seconds_count")]).toEqual([
      ['{upstream="one"} 0.007'],
      ['{upstream="one"} 1'],
    ]);
  });

  it("count the descriptors left under the process's limit", async () => {
    const text = await scrape({ descriptorLimit: 100_000 });
    const [open, left] = [valueOf(text, "process_open_fds"), valueOf(text, "ocsgw_descriptors_left")];
    expect(open).toBeGreaterThan(3);
    expect(left).toBe(100_000 - open);
  });

  it("have only numbers as values at every scrape, also at concurrent scrapes", async () => {
    for (const text of await Promise.all([scrape(), scrape(), scrape()])) {
      expect(
        text
          .split("\n")
          .filter((line) => /\bnan$/i.test(line) || line.startsWith("nodejs_eventloop_lag_min_seconds 9223")),
      ).toEqual([]);
    }
  });

  it("escape quotes, backslashes and line breaks in labels", async () => {
    const name = 'A "quoted\\\nname"';
    expect(samplesOf(await scrape({ tenants: [{ name, upstream: "ocs-main" }] }), "ocsgw_queue_depth")).toEqual([
      'ocsgw_queue_depth{upstream="ocs-main",tenant="A \\"quoted\\\\\\nname\\""} 0',
    ]);
  });
});
