const answerBytesMax = 256 * 1024;
const depthMax = 16;
/** A tag with its attributes, or a text. What begins otherwise (a DTD, a comment, an entity) ends the reading. */
const token =
  /<(\/?)(?:[A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)((?:\s+[\w:.-]+\s*=\s*(?:"[^"<&]*"|'[^'<&]*'))*)\s*(\/?)>|([^<&]+)/y;

interface XmlElement {
  name: string;
  children: XmlElement[];
  text: string;
}

/** A call by SOAP 1.1: the parameters unqualified and in the order they are given in. */
export function soapCall(namespace: string, operation: string, params: Record<string, string | number>): string {
  const elements = Object.entries(params).map(([name, value]) => `<${name}>${escapeXml(String(value))}</${name}>`);
  return `<?xml version="1.0" encoding="utf-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:ns="${namespace}"><soapenv:Body><ns:${operation}>${elements.join('')}</ns:${operation}></soapenv:Body></soapenv:Envelope>`;
}

/** The text that an operation answers in its element `return`; undefined for whatever else was sent. */
export function readSoapReturn(xml: string, operation: string): string | undefined {
  const body = childOf(readXml(xml), 'Envelope', 'Body');
  const returned = body?.children.length === 1 ? childOf(body, `${operation}Response`, 'return') : undefined;
  return returned?.children.length === 0 ? returned.text.trim() : undefined;
}

function childOf(from: XmlElement | undefined, ...names: string[]): XmlElement | undefined {
  let element = from;
  for (const name of names) {
    const found: XmlElement[] = element?.children.filter((child) => child.name === name) ?? [];
    // Of two answers neither is believed.
    element = found.length === 1 ? found[0] : undefined;
  }
  return element;
}

/** Elements and text alone, under a root that holds the document; undefined for all else, so that nothing can be expanded or fetched. */
function readXml(xml: string): XmlElement | undefined {
  if (Buffer.byteLength(xml) > answerBytesMax) return undefined;
  const root: XmlElement = { name: '', children: [], text: '' };
  const open = [root];
  token.lastIndex = /^\uFEFF?(?:<\?xml [^<>?]*\?>)?/.exec(xml)?.[0].length ?? 0;
  while (token.lastIndex < xml.length) {
    const [matched, closes, name, attributes, isEmpty, text] = token.exec(xml) ?? [];
    const current = open.at(-1);
    if (matched === undefined || !current) return undefined;
    if (text !== undefined) current.text += text;
    else if (closes) {
      if (open.length === 1 || current.name !== name || attributes || isEmpty) return undefined;
      open.pop();
    } else {
      const element: XmlElement = { name: name ?? '', children: [], text: '' };
      current.children.push(element);
      if (!isEmpty && open.push(element) > depthMax) return undefined;
    }
  }
  const isWhole = open.length === 1 && root.children.length === 1 && root.text.trim() === '';
  return isWhole ? root : undefined;
}

function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&apos;');
}
