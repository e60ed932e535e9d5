/** Every page: its address, the key that goes there, who may see it, and what draws it. */
import type { ComponentType } from "preact";
import { lazyPage } from "../parts/lazy.tsx";
import type { Command } from "../keys.ts";
import { hasRole, person, type Role } from "../session.ts";
import { S } from "../strings.ts";
import { AccessPage } from "./access/access-page.tsx";
import { DncPage } from "./dnc/dnc-page.tsx";
import { ExportsPage } from "./exports/exports-page.tsx";
import { IntegrityPage } from "./integrity/integrity-page.tsx";
import { IsolationPage } from "./isolation/isolation-page.tsx";
import { LookUpPage } from "./look-up/look-up-page.tsx";
import { FlowsPage } from "./flows/flows-page.tsx";
import { FlowPage } from "./flow/flow-page.tsx";
import { NowPage } from "./now/now-page.tsx";
import { TenantPage } from "./tenants/tenant-page.tsx";
import { TenantsPage } from "./tenants/tenants-page.tsx";
import { UpstreamsPage } from "./upstreams/upstreams-page.tsx";

export type PageProps = { readonly params: Readonly<Record<string, string>> };

export type Page = {
  /** A path, with {name} for a part that varies. */
  readonly path: string;
  readonly title: string;
  readonly roles: readonly Role[];
  /** About the whole gateway: people who may see single tenants only do not get it. */
  readonly isWhole?: true;
  readonly Component: ComponentType<PageProps>;
  /** Listed in the navigation; absent for pages that are reached from another one. */
  readonly command?: Command;
  /** The page in whose place of the navigation this one is. */
  readonly under?: string;
  /** True for a page of `ocsgw sandbox`. */
  readonly isSandbox?: true;
};

const EVERYBODY: readonly Role[] = ["viewer", "operator", "auditor"];

const ConfigPage = lazyPage<PageProps>(async () => (await import("./config/config-page.tsx")).ConfigPage);
const HelpPage = lazyPage<PageProps>(async () => (await import("./help/help-page.tsx")).HelpPage);
const SandboxPage = lazyPage<PageProps>(async () => (await import("./sandbox/sandbox-page.tsx")).SandboxPage);

const PAGES: readonly Page[] = [
  { path: "/now", title: S.pages.now, roles: EVERYBODY, Component: NowPage, command: "go-now" },
  { path: "/flows", title: S.pages.flows, roles: EVERYBODY, Component: FlowsPage, command: "go-flows" },
  { path: "/flows/{id}", title: S.pages.flow, roles: EVERYBODY, Component: FlowPage, under: "/flows" },
  { path: "/tenants", title: S.pages.tenants, roles: EVERYBODY, Component: TenantsPage, command: "go-tenants" },
  { path: "/tenants/{dbid}", title: S.pages.tenant, roles: EVERYBODY, Component: TenantPage, under: "/tenants" },
  { path: "/dnc", title: S.pages.dnc, roles: ["auditor"], Component: DncPage, command: "go-dnc" },
  { path: "/look-up", title: S.pages.lookUp, roles: ["auditor"], Component: LookUpPage, command: "go-look-up" },
  {
    path: "/integrity",
    title: S.pages.integrity,
    roles: ["auditor", "operator"],
    Component: IntegrityPage,
    command: "go-integrity",
    isWhole: true,
  },
  {
    path: "/isolation",
    title: S.pages.isolation,
    roles: ["auditor", "operator"],
    Component: IsolationPage,
    command: "go-isolation",
    isWhole: true,
  },
  { path: "/exports", title: S.pages.exports, roles: ["auditor"], Component: ExportsPage, command: "go-exports" },
  {
    path: "/access",
    title: S.pages.access,
    roles: ["auditor"],
    Component: AccessPage,
    command: "go-access",
    isWhole: true,
  },
  {
    path: "/upstreams",
    title: S.pages.upstreams,
    roles: ["operator"],
    Component: UpstreamsPage,
    command: "go-upstreams",
  },
  {
    path: "/config",
    title: S.pages.config,
    roles: ["operator", "auditor"],
    Component: ConfigPage,
    command: "go-config",
    isWhole: true,
  },
  { path: "/help", title: S.pages.help, roles: EVERYBODY, Component: HelpPage, command: "go-help" },
  { path: "/help/{section}", title: S.pages.help, roles: EVERYBODY, Component: HelpPage, under: "/help" },
  { path: "/help/{section}/{name}", title: S.pages.help, roles: EVERYBODY, Component: HelpPage, under: "/help" },
  {
    path: "/sandbox",
    title: S.pages.sandbox,
    roles: EVERYBODY,
    Component: SandboxPage,
    command: "go-sandbox",
    isWhole: true,
    isSandbox: true,
  },
];

/** Those that this gateway has, in the order of the navigation. The first page is the one at /. */
export const pages = (): readonly Page[] => PAGES.filter(({ isSandbox }) => !isSandbox || person()?.sandbox === true);

/** Undefined: the person may open it. */
export const closedTo = ({ roles, isWhole }: Page): "role" | "tenants" | undefined =>
  hasRole(roles) ? (isWhole && person()?.tenants !== "all" ? "tenants" : undefined) : "role";

/** Those that the person may open, and that have a place in the navigation. */
export const listedPages = (): readonly (Page & { readonly command: Command })[] =>
  pages().flatMap((page) => (page.command && closedTo(page) === undefined ? [{ ...page, command: page.command }] : []));
