// Paying once. The browser names the transfer before it asks for it, and keeps that name while the outcome is
// unknown: a second click, a retry after a lost connection or a reload repeats the same transfer, which the ledger
// makes only once. Without scripts the server's id in the hidden field does the same for one form shown.

import { amountText } from "./money-input";
import { uuid7, uuid7Time } from "./uuid7";

const STORE = "medtown.pay";
const REMEMBER_MS = 60 * 60 * 1000;
const SKEW_MS = 60 * 1000;
const GIVE_BACK_MS = 20 * 1000;
const FORMS = "form[data-pay-form]";

/** A transfer that was asked for and whose outcome no page has told yet. */
interface Attempt {
  id: string;
  content: string;
  at: number;
}

// How far the server's clock is from ours, told by the id it put into the form: the ledger refuses ids made by a
// clock that is ahead of its own.
let clockOffset = 0;
let giveBack: number | undefined;

const newId = () => uuid7(Date.now() + clockOffset);

function openAttempt(): Attempt | null {
  const text = sessionStorage.getItem(STORE);
  if (text === null) return null;
  const attempt = JSON.parse(text) as Attempt;
  return Date.now() - attempt.at < REMEMBER_MS ? attempt : null;
}

function idField(form: HTMLFormElement): HTMLInputElement | null {
  return form.querySelector<HTMLInputElement>("input[data-transfer-id]");
}

/** What is asked for: every field but the transfer's id and the form's own token. */
function contentOf(form: HTMLFormElement): string {
  const fields = [...new FormData(form)].filter(([name]) => name !== "transfer_id" && name !== "csrf_token");
  return JSON.stringify([form.action, fields]);
}

/** Gives a form its own id when it is first shown, unless the server says to keep the one it has. */
function prepare(form: HTMLFormElement): void {
  const field = idField(form);
  if (!field || "ready" in field.dataset) return;
  field.dataset["ready"] = "";
  if (!("keep" in field.dataset)) {
    const serverTime = uuid7Time(field.value);
    if (serverTime !== null) {
      const offset = serverTime - Date.now();
      clockOffset = Math.abs(offset) > SKEW_MS ? offset : 0;
    }
    field.value = newId();
  }
  showLabel(form);
}

/** The button says what it will do. */
function showLabel(form: HTMLFormElement): void {
  const button = form.querySelector<HTMLButtonElement>("button[data-label]");
  const text = button?.querySelector("[data-button-label]");
  if (!button || !text) return;
  const money = form.querySelector<HTMLInputElement>("input[data-money]");
  const amount = money && amountText(money);
  const { label = "", labelAmount = label, labelBusy = label } = button.dataset;
  const wanted = "busy" in form.dataset ? labelBusy : amount ? labelAmount.replace("{amount}", amount) : label;
  if (text.textContent !== wanted) text.textContent = wanted;
}

function setBusy(form: HTMLFormElement, busy: boolean): void {
  form.toggleAttribute("data-busy", busy);
  for (const button of form.querySelectorAll<HTMLButtonElement>("button[type=submit]")) button.disabled = busy;
  showLabel(form);
}

function onSubmit(event: SubmitEvent): void {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || !form.matches(FORMS)) return;
  const field = idField(form);
  if (!field) return;
  if ("busy" in form.dataset) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  form.toggleAttribute("data-busy", true);
  const content = contentOf(form);
  if (!("keep" in field.dataset)) {
    const open = openAttempt();
    if (open?.content === content) field.value = open.id;
    // Something else is asked for than when this id was sent.
    else if (open?.id === field.value) field.value = newId();
  }
  sessionStorage.setItem(STORE, JSON.stringify({ id: field.value, content, at: Date.now() } satisfies Attempt));
  // Not before the browser has gathered the fields.
  setTimeout(() => setBusy(form, true));
  // An answer that never comes must not take the button away for good: the id stays, so trying again is safe.
  clearTimeout(giveBack);
  giveBack = setTimeout(() => setBusy(form, false), GIVE_BACK_MS);
}

/** A page that tells a transfer's outcome closes the attempt: the same payment may then be wanted again. */
function closeSettled(): void {
  const open = openAttempt();
  for (const element of document.querySelectorAll<HTMLElement>("[data-transfer-settled]")) {
    if (element.dataset["transferSettled"] === open?.id) sessionStorage.removeItem(STORE);
  }
}

function showForms(): void {
  closeSettled();
  document.querySelectorAll<HTMLFormElement>(FORMS).forEach(prepare);
}

/** Watches the pay forms of the page, and those that htmx brings later. */
export function startPayForms(): void {
  document.addEventListener("submit", onSubmit, { capture: true });
  document.addEventListener("input", (event) => {
    const form = (event.target as Element).closest<HTMLFormElement>(FORMS);
    if (form) showLabel(form);
  });
  document.addEventListener("htmx:load", showForms);
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = (event.target as Element).closest<HTMLFormElement>(FORMS);
    if (form) setBusy(form, false);
  });
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    // Back from elsewhere to the page as it was left: a new payment, unless the last one is still open.
    for (const form of document.querySelectorAll<HTMLFormElement>(FORMS)) {
      const field = idField(form);
      if (field && !("keep" in field.dataset)) field.value = newId();
      setBusy(form, false);
    }
  });
  showForms();
}
