/** Texts of the page Upstreams. */
import { frame } from "./frame.ts";

const { count } = frame;

export const upstreams = {
  none: "No OCS is configured for your tenants",
  noneHelp: "An OCS is an entry under upstreams: in the config; a tenant names it with upstream:.",
  facts: (connections: number, isolation: string, max: number, wait: string) =>
    `${count(connections, "lane", "lanes")}, ${isolation}, at most ${count(max, "request", "requests")} of a tenant ` +
    `wait, for ${wait}`,
  isolation: { tenant: "one tenant each", none: "shared by tenants" },
  epoch: (number: number) => `run ${number} of OCS`,
  endpoints: "Addresses",
  address: "Address",
  role: "Role",
  roles: { primary: "primary", backup: "backup" },
  state: "State",
  serves: "takes requests",
  away: "not reachable",
  standby: (seen: string, isHealthy: boolean) => `standby: ${seen}${isHealthy ? "" : ", may fail to take over"}`,
  unprobed: "standby: not probed yet",
  lanes: "Lanes",
  waiting: "Waiting requests",
  switchovers: "Switchovers",
  noSwitchovers: "None since the gateway started.",
  olderSwitchovers: "Older ones in the journal",
  time: "Time",
  to: "To",
  newRun: "Run",
  why: "Why",
  certificates: "Certificates",
  noCertificates: "No certificate file is configured for this OCS.",
  file: "File",
  ends: "Ends",
  soon: "soon",
  ended: "has ended",
  charts: "The last 60 minutes, all tenants",
  ownTenants: "Numbers of other tenants are not shown, so there are no charts of all requests here.",
  empty: "No request was sent to this OCS.",
} as const;
