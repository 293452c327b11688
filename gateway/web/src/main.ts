import "./styles/index.css";
import "./htmx";
import { showCheck } from "./money-input";
import { startPayForms } from "./pay";

startPayForms();

document.addEventListener("input", (event) => {
  if (event.target instanceof HTMLInputElement && "money" in event.target.dataset) showCheck(event.target);
});

// A form that came back with faults: the reader starts at the list of them.
document.querySelector<HTMLElement>("[data-focus]")?.focus();

// The language menu closes when something else is meant.
const languages = document.querySelector<HTMLDetailsElement>("details.languages");
document.addEventListener("click", (event) => {
  if (languages?.open && !languages.contains(event.target as Node)) languages.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && languages?.open) {
    languages.open = false;
    languages.querySelector("summary")?.focus();
  }
});
