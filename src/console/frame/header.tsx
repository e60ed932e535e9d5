/** The top of every page: search, settings, account, and the strip with mode, OCS and journal. */
import { run } from "../keys.ts";
import { Menu } from "../parts/menu.tsx";
import { prefer, preferences } from "../preferences.ts";
import { logOut, person } from "../session.ts";
import { S } from "../strings.ts";
import { Brand } from "./brand.tsx";
import { dialog } from "./keys-dialog.tsx";
import { SearchBox } from "./search-box.tsx";
import { StatusStrip } from "./status-strip.tsx";

export const Header = ({ title }: { readonly title: string }) => (
  <header class="header">
    <div class="header-bar">
      <a class="brand" href="/">
        <Brand />
      </a>
      <h1 class="header-title">{title}</h1>
      <SearchBox />
      <div class="header-tools">
        <ZoneMenu />
        <ThemeMenu />
        <button type="button" class="quiet" aria-label={S.help.title} title={S.help.title} onClick={() => run("help")}>
          ?
        </button>
        <AccountMenu />
      </div>
    </div>
    <StatusStrip />
  </header>
);

const ZoneMenu = () => {
  const { zone } = preferences.value;
  const zones = ["utc", "local", "both"] as const;
  return (
    <Menu
      quiet
      label={S.time[zone]}
      name={S.time.zone(S.time[zone])}
      items={zones.map((each) => ({ says: S.time[each], checked: each === zone, act: () => prefer({ zone: each }) }))}
    />
  );
};

const ThemeMenu = () => {
  const { theme } = preferences.value;
  const themes = ["auto", "light", "dark"] as const;
  return (
    <Menu
      quiet
      label={
        <svg viewBox="0 0 16 16" width="15" height="15" aria-hidden="true">
          <circle cx="8" cy="8" r="6.2" fill="none" stroke="currentColor" stroke-width="1.5" />
          <path d="M8 1.8a6.2 6.2 0 0 1 0 12.4Z" fill="currentColor" />
        </svg>
      }
      name={S.theme.label(S.theme[theme])}
      items={themes.map((each) => ({
        says: S.theme[each],
        checked: each === theme,
        act: () => prefer({ theme: each }),
      }))}
    />
  );
};

const AccountMenu = () => {
  const name = person()?.name ?? "";
  return (
    <Menu
      quiet
      label={<span class="account">{name}</span>}
      name={S.login.as(name)}
      items={[
        { says: S.settings.open, act: () => (dialog.value = "settings") },
        { says: S.login.out, act: () => void logOut() },
        ...(person()?.via === "session"
          ? [{ says: S.login.outEverywhere, act: () => (dialog.value = "everywhere") }]
          : []),
      ]}
    />
  );
};
