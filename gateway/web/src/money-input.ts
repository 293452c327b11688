// Amounts as people write them. The field's text is never changed: the server reads it, strictly; this only tells
// early when it will not, and gives the amount in one form for the button.

const ARABIC_DECIMAL = "\u066b";

interface Writing {
  /** Digits after the separator; 0 for currencies of whole units. */
  decimals: number;
  separator: string;
}

function writingOf(input: HTMLInputElement): Writing {
  return { decimals: Number(input.dataset["decimals"] ?? "2"), separator: input.dataset["separator"] ?? "." };
}

/** Arabic-Indic and extended Arabic-Indic digits as ASCII ones, the Arabic decimal separator as the reader's. */
function plain(text: string, { separator }: Writing): string {
  return text
    .trim()
    .replace(/[\u0660-\u0669\u06f0-\u06f9]/g, (digit) => String(digit.charCodeAt(0) & 0x0f))
    .replaceAll(ARABIC_DECIMAL, separator);
}

/** A positive amount with all its decimals ("12,5" as "12,50"), or null when the text is none. Never a float. */
export function readAmount(text: string, writing: Writing): string | null {
  const { decimals, separator } = writing;
  const [whole = "", fraction, ...more] = plain(text, writing).split(separator);
  if (more.length > 0 || !/^\d{1,16}$/.test(whole)) return null;
  if (fraction !== undefined && !(/^\d+$/.test(fraction) && fraction.length <= decimals)) return null;
  if (!/[1-9]/.test(whole + (fraction ?? ""))) return null;
  const units = whole.replace(/^0+(?=\d)/, "");
  return decimals > 0 ? `${units}${separator}${(fraction ?? "").padEnd(decimals, "0")}` : units;
}

/** Shows below the field how to write an amount, once what stands there cannot become one. */
export function showCheck(input: HTMLInputElement): void {
  const check = document.getElementById(`${input.id}-check`);
  if (!check) return;
  const writing = writingOf(input);
  // "0", "12," and "0,0" are on their way to an amount: one more digit makes them one.
  const text = plain(input.value, writing);
  const hopeful = text === "" || readAmount(text, writing) !== null || readAmount(`${text}1`, writing) !== null;
  const message = hopeful ? "" : (check.dataset["text"] ?? "");
  if (check.textContent !== message) check.textContent = message;
}

/** The amount in the field with its unit ("12,50 PUMA"), kept together in text of either direction, or null. */
export function amountText(input: HTMLInputElement): string | null {
  const amount = readAmount(input.value, writingOf(input));
  return amount && `\u2068${amount}\u00a0${input.dataset["unit"] ?? ""}\u2069`;
}
