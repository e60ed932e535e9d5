/** The way in: through the OpenID provider, with user name and password, or with the admin token. */
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiError } from "../api.ts";
import { Strip } from "../parts/states.tsx";
import {
  acceptsPasswords,
  logIn,
  logInAtProvider,
  logInWithToken,
  provider,
  providerProblem,
  type LoginState,
} from "../session.ts";
import { S } from "../strings.ts";
import { Brand } from "./brand.tsx";

type Why = Extract<LoginState, { is: "out" }>["why"];

const INFORMS: ReadonlySet<Why> = new Set<Why>(["expired", "everywhere"]);

export const Login = ({ why }: { readonly why: Why }) => {
  const [chosen, setChosen] = useState<Way>();
  const [isBusy, setBusy] = useState(false);
  const [found, setProblem] = useState<string>();
  const shown = chosen ?? usualWay();
  const withToken = shown === "token";
  const problem = found ?? providerProblem.value ?? "";
  useEffect(() => void (document.title = `${S.login.title} · ${S.product}`), []);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const value = (name: string): string => {
      const given = form.get(name);
      return typeof given === "string" ? given : "";
    };
    await attempt(() => (withToken ? logInWithToken(value("token").trim()) : logIn(value("name"), value("password"))));
  };
  const attempt = async (logInNow: () => Promise<void>, isAtProvider = false): Promise<void> => {
    setBusy(true);
    setProblem("");
    try {
      await logInNow();
    } catch (error) {
      setProblem(isAtProvider && error instanceof ApiError ? error.message : problemOf(error, withToken));
      setBusy(false);
    }
  };
  return (
    <main class="login">
      <form class="login-card" onSubmit={(event) => void submit(event)}>
        <div class="brand">
          <Brand />
        </div>
        <h1>{S.login.title}</h1>
        {why && !problem && <Strip kind={INFORMS.has(why) ? "info" : "error"}>{S.login[why]}</Strip>}
        {problem && (
          <Strip kind="error" urgent>
            {problem}
          </Strip>
        )}
        {provider.value !== null && (
          <button type="button" class="primary" disabled={isBusy} onClick={() => void attempt(logInAtProvider, true)}>
            {S.login.withProvider(provider.value)}
          </button>
        )}
        {shown === "token" && (
          <Field label={S.login.token} help={S.login.tokenHelp}>
            <input id="token" name="token" type="password" autocomplete="off" required class="mono" />
          </Field>
        )}
        {shown === "password" && (
          <>
            <Field label={S.login.name}>
              <input id="name" name="name" autocomplete="username" autocapitalize="none" spellcheck={false} required />
            </Field>
            <Field label={S.login.password}>
              <input id="password" name="password" type="password" autocomplete="current-password" required />
            </Field>
          </>
        )}
        {shown !== "provider" && (
          <button type="submit" class={provider.value === null ? "primary" : undefined} disabled={isBusy}>
            {S.login.submit}
          </button>
        )}
        {othersThan(shown).map((way) => (
          <button key={way} type="button" class="link" onClick={() => (setChosen(way), setProblem(""))}>
            {way === "token" ? S.login.withToken : S.login.withPassword}
          </button>
        ))}
        {!acceptsPasswords.value && provider.value === null && <p class="muted">{S.login.noUsers}</p>}
      </form>
    </main>
  );
};

/** `provider`: its button alone. */
type Way = "password" | "token" | "provider";

const usualWay = (): Way => {
  if (acceptsPasswords.value) return "password";
  return provider.value === null ? "token" : "provider";
};

const othersThan = (shown: Way): readonly ("password" | "token")[] => {
  if (shown === "token") return acceptsPasswords.value ? ["password"] : [];
  return acceptsPasswords.value || shown === "provider" ? ["token"] : [];
};

const problemOf = (error: unknown, withToken: boolean): string => {
  if (!(error instanceof ApiError)) return S.api.broken;
  if (error.status === 401) return withToken ? S.login.wrongToken : S.login.wrong;
  return error.status === 0 ? S.login.unreachable : error.message;
};

type FieldProps = { readonly label: string; readonly help?: string; readonly children: ComponentChildren };

const Field = ({ label, help, children }: FieldProps) => (
  <label class="field">
    <span class="field-label">{label}</span>
    {children}
    {help !== undefined && <span class="field-help">{help}</span>}
  </label>
);
