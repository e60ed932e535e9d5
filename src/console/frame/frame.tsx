/** What is around every page: header, navigation, strips, dialogs; or the login. */
import { useEffect, useRef } from "preact/hooks";
import { note } from "../announce.ts";
import { copyByHand } from "../clipboard.ts";
import { handleKeys } from "../keys.ts";
import { closedTo, listedPages, pages, type Page } from "../pages/pages.ts";
import { Empty } from "../parts/states.tsx";
import { prefer, preferences } from "../preferences.ts";
import { address, go, matchPath } from "../router.ts";
import { login } from "../session.ts";
import { watchStatus } from "../status.ts";
import { S } from "../strings.ts";
import { nextZone } from "../time.ts";
import { CopyDialog } from "./copy-dialog.tsx";
import { EverywhereDialog } from "./everywhere-dialog.tsx";
import { Header } from "./header.tsx";
import { dialog, KeysDialog } from "./keys-dialog.tsx";
import { Login } from "./login.tsx";
import { Navigation } from "./navigation.tsx";
import { SessionStrip } from "./session-strip.tsx";
import { SettingsDialog } from "./settings-dialog.tsx";
import { StallStrip } from "./stall-strip.tsx";

export const Frame = () => {
  switch (login.value.is) {
    case "asking":
      return <div class="frame-waiting" aria-busy="true" />;
    case "out":
      return <Login why={login.value.why} />;
    case "in":
      return <Inside />;
  }
};

const THEMES = { auto: "light", light: "dark", dark: "auto" } as const;

const Inside = () => {
  useEffect(watchStatus, []);
  useEffect(
    () =>
      handleKeys({
        help: () => (dialog.value = "keys"),
        theme: () => prefer({ theme: THEMES[preferences.peek().theme] }),
        zone: () => prefer({ zone: nextZone() }),
        ...Object.fromEntries(listedPages().map(({ path, command }) => [command, () => go(path)])),
      }),
    [],
  );
  const path = address.value.path === "/" ? pages()[0]!.path : address.value.path;
  const found = pages().flatMap((page) => {
    const params = matchPath(page.path, path);
    return params ? [{ page, params }] : [];
  })[0];
  return (
    <div class="frame">
      <a class="skip" href="#content">
        {S.pages.skip}
      </a>
      <Header title={found?.page.title ?? S.pages.unknown} />
      <Navigation path={found?.page.under ?? path} />
      <main id="content" class="content" tabIndex={-1}>
        <StallStrip />
        <SessionStrip />
        <Content found={found} path={path} />
      </main>
      {dialog.value === "keys" && <KeysDialog />}
      {dialog.value === "settings" && <SettingsDialog />}
      {dialog.value === "everywhere" && <EverywhereDialog />}
      {copyByHand.value !== undefined && <CopyDialog text={copyByHand.value} />}
      <div class="note" role="status">
        {note.value}
      </div>
    </div>
  );
};

type Found = { readonly page: Page; readonly params: Readonly<Record<string, string>> } | undefined;

const Content = ({ found, path }: { readonly found: Found; readonly path: string }) => {
  const isFirst = useRef(true);
  useEffect(() => {
    document.title = `${found?.page.title ?? S.pages.unknown} · ${S.product}`;
    // A page that was opened by a link or a key is read from its beginning.
    if (!isFirst.current && document.activeElement === document.body)
      document.querySelector<HTMLElement>("#content")?.focus({ preventScroll: true });
    isFirst.current = false;
  }, [path]);
  if (!found)
    return (
      <Empty title={S.pages.unknown}>
        <p>{S.pages.unknownHelp}</p>
      </Empty>
    );
  const { page, params } = found;
  const closed = closedTo(page);
  if (closed !== undefined)
    return (
      <Empty title={closed === "role" ? S.pages.forbidden : S.pages.scoped}>
        <p>{closed === "role" ? S.pages.forbiddenHelp(page.roles.join(", ")) : S.pages.scopedHelp}</p>
      </Empty>
    );
  return <page.Component key={page.path} params={params} />;
};
