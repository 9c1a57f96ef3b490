"""Texts in many languages and scripts, written for this project: what tokenizers are compared on."""

PHRASES = [
    "a photo of a cat", "two people walking across the street", "a dog", "the sea at sunset", "an empty room", "none of these",
    "ein Foto einer Katze", "zwei Menschen überqueren die Straße", "une photo d'un chat", "la mer à l'aube, ça brûle", "una foto de un gato",
    "¿dónde está el niño?", "uma foto de um cão", "uma ação à beira-mar", "una foto di un gatto", "perché la città è vuota",
    "een foto van een kat", "ett foto av en katt på ön", "et bilde av en ørn", "et foto af en ært", "kuva kissasta pöydällä", "ljósmynd af þorski",
    "zdjęcie kota na łące", "fotka kočky u řeky", "fotografia mačky v ľade", "egy macska fényképe, őszi erdőben", "o fotografie cu o pisică și un măr",
    "fotografija mačke u šumi", "foto e një maceje të bardhë", "kedinin fotoğrafı, ılık İstanbul", "katės nuotrauka ąžuole", "kaķa fotogrāfija mežā",
    "foto kassist õues", "grianghraf de chat ar an mbóthar", "llun o gath yn y tŷ", "argazki bat katu batena", "fotografia d'un gat·let",
    "фотография кошки на снегу", "фото собаки, що біжить", "фатаграфія ката ў полі", "снимка на котка", "фотографија мачке", "мысықтың суреті",
    "муурын зураг", "φωτογραφία μιας γάτας", "Ο ΣΚΥΛΟΣ ΚΑΙ ΟΙ ΔΡΟΜΟΣ", "կատվի լուսանկար", "კატის ფოტო", "תמונה של חתול", "שָׁלוֹם עוֹלָם",
    "صورة لقطة في الشارع", "سَلَامٌ عَلَيْكُم", "عکس یک گربه", "بلی کی تصویر", "बिल्ली की तस्वीर", "मांजराचा फोटो", "একটি বিড়ালের ছবি", "ਬਿੱਲੀ ਦੀ ਤਸਵੀਰ",
    "બિલાડીનો ફોટો", "ବିଲେଇର ଫଟୋ", "பூனையின் புகைப்படம்", "పిల్లి ఫోటో", "ಬೆಕ್ಕಿನ ಫೋಟೋ", "പൂച്ചയുടെ ചിത്രം", "පූසෙකුගේ ඡායාරූපයක්",
    "รูปถ่ายของแมว", "ຮູບຖ່າຍຂອງແມວ", "ရုပ်ပုံ ကြောင်", "រូបថតឆ្មា", "བྱི་ལའི་པར།", "የድመት ፎቶ", "一张猫的照片", "一張貓的照片", "夕暮れの海、誰もいない部屋",
    "猫の写真", "ネコノシャシン", "고양이 사진", "두 사람이 길을 건넌다", "ảnh một con mèo trên đường", "foto seekor kucing", "larawan ng pusa",
    "picha ya paka", "àwòrán ológbò kan", "hoto na kyanwa", "isithombe sekati", "foto de un gato ñandú", "ꯃꯤꯇꯩ ꯂꯣꯟ", "ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ", "ⵜⴰⵎⴰⵣⵉⵖⵜ",
]

TEMPLATES = [
    "a photo of {}.", "A photo of {}!", "{}", "«{}»", "“{}”", "({})", "#{}", "@{}", "{}?!", "this is {}…", " {} ", "\t{}\n", "a {} — or not", "{};",
    "not {}", "a bad photo of the {}", "a black and white photo of the {}", "art of {}", "{}'s", "the {} isn't it's they've I'd we'll I'm you're",
]

EMOJI = [
    "🎬", "🐱", "👩‍👩‍👧‍👦", "👍🏽", "🇩🇪🇫🇷", "1️⃣", "❤️‍🔥", "🏳️‍🌈", "🧑🏿‍🚀", "☎", "☎️", "😀😃😄", "🫠", "⚽🏀", "✈️", "🀄", "🂡", "🄰🅱",
    "cat 🐈 and dog 🐕", "🎥film🎞️",
]

NUMBERS = [
    "0", "7", "42", "12345", "6.78", "-3,14", "1e-5", "1,000,000", "3.000,50 €", "$9.99", "100%", "50 ‰", "2026-12-01", "01/12/26", "23:59:59",
    "+49 30 901820", "1st 2nd 3rd", "½ ¾ ⅔", "x² + y³ = z⁴", "H₂O", "Ⅻ ⅳ", "①②③", "١٢٣٤", "۴۵۶", "१२३", "๑๒๓", "１２３", "𝟙𝟚𝟛", "0x1F", "4K", "1080p60",
    "f/2.8", "ISO 400", "16:9", "24 fps", "№ 5", "§ 12", "10⁻³", "∞", "π ≈ 3.14159",
]

CASES = [
    "STRASSE straße STRAẞE", "İSTANBUL ıI iİ", "ΣΊΣΥΦΟΣ σίσυφος", "ǅ ǆ Ǆ", "ﬁ ﬂ ﬀ", "Å Å Å", "e\u0301 é", "n\u0303 ñ", "ᄀ\u1161 가", "İ i̇", "ΐ ΐ",
    "ᲓᲔᲓᲐ დედა", "Ꭰ ꭰ", "𐐀𐐨", "Ꞓ ɕ", "Ǆungla", "ŉ", "ẞ", "K K", "Ω Ω", "ſ s", "ª º", "ⅷ Ⅷ", "Ⓐ ⓐ", "Ａ ａ", "ﷺ", "ᾳ ᾼ", "և ԵՎ", "i̇", "J̌ ǰ",
]

PLAIN = [
    "", " ", "   ", "\n", "\t\t", "\u00a0", "\u3000", "\u200b", "\u2028", "\ufeff", "\u0085", "\x07", "a\u00a0b", "a\u3000b", "a\u200bb", "a\u200db", "a\u00adb",
    "   spaces\tand\nlines   ", "line\r\nline", "tab\tb", "a  b   c", "a\u2003b", "a\u180eb", "a\x0bb\x0cc", "a\x1cb",
    "it's the photographer's 3rd picture, isn't it?", "IT'S I'LL THEY'RE", "‘single’ ’tis", "rock'n'roll", "o'clock", "l'été", "''s's",
    "!!!", "...", "…", "?!?!", "---", "—", "–", "_", "__init__", "a_b", "a-b", "a/b\\c", "a.b.c", "<b>bold</b>", "&amp; &lt;", "{x: 1}", "[1, 2]",
    "https://example.org/a?b=c&d=%20#e", "user@example.org", "#hashtag", "C++ C# F#", "~/.bashrc", "printf(\"%d\\n\", x);", "a+b=c", "1<2>0", "`x`",
    "<|endoftext|>", "<|startoftext|>", "<|endoftext|> in the middle <|startoftext|>", "<|ENDOFTEXT|>", "<eos>", "<pad>", "<bos> a <eos> b", "<unk>",
    "<PAD>", "</w>", "▁", "a▁b", "▁▁a", "<0x0A>", "</s>", "[CLS]",
    "x" * 400, "ab" * 150, "é" * 80, "猫" * 90, "🎬" * 30, "word " * 120, "a" * 63, "a b " * 31 + "c", "unglücklicherweise" * 9,
    "Ærøskøbing, naïve café — 東京 🎬", "mixedСкрипт混合テキスト", "abcабвαβγאבגابت", "lefttoright עברית then العربية back", "ｆｕｌｌｗｉｄｔｈ", "𝒻𝒶𝓃𝒸𝓎 𝔣𝔯𝔞𝔨𝔱𝔲𝔯",
    "zalgo t̷̢̛e̸̱͝x̶͎̌t̴͙̕", "\U0010ffff", "\ue000", "\U000f0000", "\ufffd", "\u0378", "\U0001fae8", "\u1e9e\u0130\u0131", "\u0301a", "a\u0301\u0302\u0303",
]

# First and last character of blocks of Unicode.
SCRIPTS = {
    "latin": (0x61, 0x7A), "capitals": (0x41, 0x5A), "ascii": (0x21, 0x7E), "latin-1": (0xA1, 0xFF), "latin-extended-a": (0x100, 0x17F),
    "latin-extended-b": (0x180, 0x24F), "phonetic": (0x250, 0x2AF), "modifiers": (0x2B0, 0x2FF), "combining": (0x300, 0x36F), "greek": (0x370, 0x3FF),
    "cyrillic": (0x400, 0x4FF), "cyrillic-supplement": (0x500, 0x52F), "armenian": (0x531, 0x58A), "hebrew": (0x591, 0x5F4), "arabic": (0x600, 0x6FF),
    "syriac": (0x700, 0x74F), "thaana": (0x780, 0x7B1), "nko": (0x7C0, 0x7FF), "devanagari": (0x900, 0x97F), "bengali": (0x980, 0x9FE),
    "gurmukhi": (0xA01, 0xA76), "gujarati": (0xA81, 0xAFF), "oriya": (0xB01, 0xB77), "tamil": (0xB82, 0xBFA), "telugu": (0xC00, 0xC7F),
    "kannada": (0xC80, 0xCF2), "malayalam": (0xD00, 0xD7F), "sinhala": (0xD81, 0xDF4), "thai": (0xE01, 0xE5B), "lao": (0xE81, 0xEDF),
    "tibetan": (0xF00, 0xFDA), "myanmar": (0x1000, 0x109F), "georgian": (0x10A0, 0x10FF), "jamo": (0x1100, 0x11FF), "ethiopic": (0x1200, 0x139F),
    "cherokee": (0x13A0, 0x13FD), "syllabics": (0x1400, 0x167F), "runic": (0x16A0, 0x16F8), "khmer": (0x1780, 0x17F9), "mongolian": (0x1800, 0x18AA),
    "georgian-extended": (0x1C90, 0x1CBF), "latin-additional": (0x1E00, 0x1EFF), "greek-extended": (0x1F00, 0x1FFE), "punctuation": (0x2010, 0x205E),
    "superscripts": (0x2070, 0x209C), "currency": (0x20A0, 0x20BF), "letterlike": (0x2100, 0x214F), "number-forms": (0x2150, 0x218B),
    "arrows": (0x2190, 0x21FF), "mathematics": (0x2200, 0x22FF), "technical": (0x2300, 0x23FF), "enclosed": (0x2460, 0x24FF), "boxes": (0x2500, 0x257F),
    "symbols": (0x2600, 0x26FF), "dingbats": (0x2700, 0x27BF), "braille": (0x2800, 0x28FF), "glagolitic": (0x2C00, 0x2C5F), "coptic": (0x2C80, 0x2CFF),
    "tifinagh": (0x2D30, 0x2D70), "cjk-punctuation": (0x3001, 0x303F), "hiragana": (0x3041, 0x309F), "katakana": (0x30A0, 0x30FF),
    "bopomofo": (0x3105, 0x312F), "cjk": (0x4E00, 0x9FA5), "yi": (0xA000, 0xA48C), "hangul": (0xAC00, 0xD7A3), "compatibility": (0xF900, 0xFA6D),
    "presentation": (0xFB00, 0xFB4F), "arabic-presentation": (0xFB50, 0xFDFF), "halfwidth": (0xFF01, 0xFFEE), "gothic": (0x10330, 0x1034A),
    "deseret": (0x10400, 0x1044F), "cuneiform": (0x12000, 0x1236E), "hieroglyphs": (0x13000, 0x1342E), "mathematical": (0x1D400, 0x1D7FF),
    "emoji": (0x1F300, 0x1F5FF), "faces": (0x1F600, 0x1F64F), "transport": (0x1F680, 0x1F6D7), "supplemental": (0x1F900, 0x1F9FF), "cjk-b": (0x20000, 0x2A6DF),
}
