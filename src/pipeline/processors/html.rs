//! HTML to text, as Lucene's `HTMLStripCharFilter` does it and `html_strip` therefore.
//!
//! Block tags become a line break, other tags nothing; `<script>` and `<style>` go with their content; numbered entities and the
//! named ones of HTML 4 become their character. What only looks like a tag (`a < b`) stays.

/// Tags that leave no line break.
const INLINE: &[&str] = &[
    "a", "abbr", "acronym", "b", "basefont", "bdo", "big", "cite", "code", "dfn", "em", "font", "i", "img", "input",
    "kbd", "label", "q", "s", "samp", "select", "small", "span", "strike", "strong", "sub", "sup", "textarea", "tt",
    "u", "var",
];

/// No entity's name is longer.
const ENTITY_NAME_BYTES_MAX: usize = 10;

pub fn strip(text: &str, out: &mut bumpalo::collections::String<'_>) {
    let mut rest = text;
    while let Some(at) = memchr::memchr2(b'<', b'&', rest.as_bytes()) {
        let (before, special) = rest.split_at(at);
        out.push_str(before);
        let used = if special.starts_with('&') { entity(special, out) } else { tag(special, out) };
        if used == 0 {
            out.push_str(special.get(..1).unwrap_or_default());
        }
        rest = special.get(used.max(1)..).unwrap_or_default();
    }
    out.push_str(rest);
}

/// How many bytes of the text are the tag that it begins with; 0 for none.
fn tag(text: &str, out: &mut bumpalo::collections::String<'_>) -> usize {
    if text.starts_with("<!--") {
        return text.find("-->").map_or(0, |end| end + 3);
    }
    if let Some(inner) = text.strip_prefix("<![CDATA[") {
        let Some(end) = inner.find("]]>") else { return 0 };
        out.push_str(inner.get(..end).unwrap_or_default());
        return "<![CDATA[".len() + end + 3;
    }
    if text.starts_with("<!") || text.starts_with("<?") {
        return match text.find('>') {
            Some(end) => {
                out.push('\n');
                end + 1
            }
            None => 0,
        };
    }
    let inner = text.get(1..).unwrap_or_default();
    let closing = inner.starts_with('/');
    let inner = inner.strip_prefix('/').unwrap_or(inner);
    let name_len = inner.bytes().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b':' | b'_' | b'-')).count();
    let name = inner.get(..name_len).unwrap_or_default().to_ascii_lowercase();
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return 0;
    }
    let Some(end) = tag_end(text) else { return 0 };
    if !closing && (name == "script" || name == "style") {
        let close = format!("</{name}");
        let body = text.get(end..).unwrap_or_default();
        let found = body.to_ascii_lowercase().find(&close);
        out.push('\n');
        return match found.and_then(|at| Some(end + at + tag_end(body.get(at..)?)?)) {
            Some(whole) => whole,
            None => text.len(),
        };
    }
    if !INLINE.contains(&name.as_str()) {
        out.push('\n');
    }
    end
}

/// The end of a tag: the first `>` outside of quotes.
fn tag_end(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(at + 1),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
    }
    None
}

/// How many bytes the entity takes that the text begins with; 0 for none.
fn entity(text: &str, out: &mut bumpalo::collections::String<'_>) -> usize {
    let inner = text.get(1..).unwrap_or_default();
    let (name, used) = match inner.bytes().take(ENTITY_NAME_BYTES_MAX + 1).position(|b| b == b';') {
        Some(end) => (inner.get(..end).unwrap_or_default(), end + 2),
        None => {
            let len = inner.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'#').count();
            (inner.get(..len).unwrap_or_default(), len + 1)
        }
    };
    let character = match name.strip_prefix('#') {
        Some(number) => {
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok(),
                None => number.parse().ok(),
            };
            code.and_then(char::from_u32)
        }
        None => ENTITIES.iter().find(|(known, _)| *known == name).and_then(|(_, code)| char::from_u32(*code)),
    };
    match character {
        // The filter makes the no-break space an ordinary one.
        Some('\u{a0}') => out.push(' '),
        Some(character) => out.push(character),
        None => return 0,
    }
    used
}

#[rustfmt::skip]
const ENTITIES: &[(&str, u32)] = &[
    ("amp", 38), ("AMP", 38), ("lt", 60), ("LT", 60), ("gt", 62), ("GT", 62), ("quot", 34), ("QUOT", 34), ("apos", 39),
    ("nbsp", 160), ("iexcl", 161), ("cent", 162), ("pound", 163), ("curren", 164), ("yen", 165), ("brvbar", 166),
    ("sect", 167), ("uml", 168), ("copy", 169), ("COPY", 169), ("ordf", 170), ("laquo", 171), ("not", 172), ("shy", 173),
    ("reg", 174), ("REG", 174), ("macr", 175), ("deg", 176), ("plusmn", 177), ("sup2", 178), ("sup3", 179), ("acute", 180),
    ("micro", 181), ("para", 182), ("middot", 183), ("cedil", 184), ("sup1", 185), ("ordm", 186), ("raquo", 187),
    ("frac14", 188), ("frac12", 189), ("frac34", 190), ("iquest", 191), ("Agrave", 192), ("Aacute", 193), ("Acirc", 194),
    ("Atilde", 195), ("Auml", 196), ("Aring", 197), ("AElig", 198), ("Ccedil", 199), ("Egrave", 200), ("Eacute", 201),
    ("Ecirc", 202), ("Euml", 203), ("Igrave", 204), ("Iacute", 205), ("Icirc", 206), ("Iuml", 207), ("ETH", 208),
    ("Ntilde", 209), ("Ograve", 210), ("Oacute", 211), ("Ocirc", 212), ("Otilde", 213), ("Ouml", 214), ("times", 215),
    ("Oslash", 216), ("Ugrave", 217), ("Uacute", 218), ("Ucirc", 219), ("Uuml", 220), ("Yacute", 221), ("THORN", 222),
    ("szlig", 223), ("agrave", 224), ("aacute", 225), ("acirc", 226), ("atilde", 227), ("auml", 228), ("aring", 229),
    ("aelig", 230), ("ccedil", 231), ("egrave", 232), ("eacute", 233), ("ecirc", 234), ("euml", 235), ("igrave", 236),
    ("iacute", 237), ("icirc", 238), ("iuml", 239), ("eth", 240), ("ntilde", 241), ("ograve", 242), ("oacute", 243),
    ("ocirc", 244), ("otilde", 245), ("ouml", 246), ("divide", 247), ("oslash", 248), ("ugrave", 249), ("uacute", 250),
    ("ucirc", 251), ("uuml", 252), ("yacute", 253), ("thorn", 254), ("yuml", 255), ("OElig", 338), ("oelig", 339),
    ("Scaron", 352), ("scaron", 353), ("Yuml", 376), ("fnof", 402), ("circ", 710), ("tilde", 732), ("Alpha", 913),
    ("Beta", 914), ("Gamma", 915), ("Delta", 916), ("Epsilon", 917), ("Zeta", 918), ("Eta", 919), ("Theta", 920),
    ("Iota", 921), ("Kappa", 922), ("Lambda", 923), ("Mu", 924), ("Nu", 925), ("Xi", 926), ("Omicron", 927), ("Pi", 928),
    ("Rho", 929), ("Sigma", 931), ("Tau", 932), ("Upsilon", 933), ("Phi", 934), ("Chi", 935), ("Psi", 936), ("Omega", 937),
    ("alpha", 945), ("beta", 946), ("gamma", 947), ("delta", 948), ("epsilon", 949), ("zeta", 950), ("eta", 951),
    ("theta", 952), ("iota", 953), ("kappa", 954), ("lambda", 955), ("mu", 956), ("nu", 957), ("xi", 958),
    ("omicron", 959), ("pi", 960), ("rho", 961), ("sigmaf", 962), ("sigma", 963), ("tau", 964), ("upsilon", 965),
    ("phi", 966), ("chi", 967), ("psi", 968), ("omega", 969), ("thetasym", 977), ("upsih", 978), ("piv", 982),
    ("ensp", 8194), ("emsp", 8195), ("thinsp", 8201), ("zwnj", 8204), ("zwj", 8205), ("lrm", 8206), ("rlm", 8207),
    ("ndash", 8211), ("mdash", 8212), ("lsquo", 8216), ("rsquo", 8217), ("sbquo", 8218), ("ldquo", 8220), ("rdquo", 8221),
    ("bdquo", 8222), ("dagger", 8224), ("Dagger", 8225), ("bull", 8226), ("hellip", 8230), ("permil", 8240),
    ("prime", 8242), ("Prime", 8243), ("lsaquo", 8249), ("rsaquo", 8250), ("oline", 8254), ("frasl", 8260),
    ("euro", 8364), ("image", 8465), ("weierp", 8472), ("real", 8476), ("trade", 8482), ("alefsym", 8501), ("larr", 8592),
    ("uarr", 8593), ("rarr", 8594), ("darr", 8595), ("harr", 8596), ("crarr", 8629), ("lArr", 8656), ("uArr", 8657),
    ("rArr", 8658), ("dArr", 8659), ("hArr", 8660), ("forall", 8704), ("part", 8706), ("exist", 8707), ("empty", 8709),
    ("nabla", 8711), ("isin", 8712), ("notin", 8713), ("ni", 8715), ("prod", 8719), ("sum", 8721), ("minus", 8722),
    ("lowast", 8727), ("radic", 8730), ("prop", 8733), ("infin", 8734), ("ang", 8736), ("and", 8743), ("or", 8744),
    ("cap", 8745), ("cup", 8746), ("int", 8747), ("there4", 8756), ("sim", 8764), ("cong", 8773), ("asymp", 8776),
    ("ne", 8800), ("equiv", 8801), ("le", 8804), ("ge", 8805), ("sub", 8834), ("sup", 8835), ("nsub", 8836),
    ("sube", 8838), ("supe", 8839), ("oplus", 8853), ("otimes", 8855), ("perp", 8869), ("sdot", 8901), ("lceil", 8968),
    ("rceil", 8969), ("lfloor", 8970), ("rfloor", 8971), ("lang", 9001), ("rang", 9002), ("loz", 9674), ("spades", 9824),
    ("clubs", 9827), ("hearts", 9829), ("diams", 9830),
];
