"""Makes the texts that tokenizers of shared/clip are compared on, two small vocabularies in the form of the published ones, and what the reference
implementations make of the texts: transformers' CLIPTokenizer and Siglip2Tokenizer, checked against open_clip's own tokenizer and SentencePiece."""
import argparse
import gzip
import importlib.util
import io
import json
import pathlib
import random
import tempfile
import unicodedata

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import CLIPTokenizer, Siglip2Tokenizer

from phrases import CASES, EMOJI, NUMBERS, PHRASES, PLAIN, SCRIPTS, TEMPLATES

COUNT = 1000
# The first merges of CLIP's vocabulary, and pieces of ours for SigLIP: enough for words of several tokens, small enough to keep.
MERGES = 3000
PIECES = 2000
# Four tokens of their own, then the bytes.
BYTES_END = 4 + 256
CLIP_LENGTH, SIGLIP_LENGTH = 77, 64
START, END = "<|startoftext|>", "<|endoftext|>"
WORDS = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def texts():
    """The texts, the same every time: fixed ones first, then words of every script, mixtures and long ones."""
    draw = random.Random(18)
    assigned = {
        name: [chr(code) for code in range(first, last + 1) if unicodedata.category(chr(code)) not in ("Cn", "Cs", "Co")]
        for name, (first, last) in SCRIPTS.items()
    }
    found = dict.fromkeys(PLAIN + NUMBERS + CASES + PHRASES + EMOJI)
    found.update(dict.fromkeys(template.format(draw.choice(PHRASES)) for template in TEMPLATES for _ in range(3)))

    def word(characters, longest=9):
        return "".join(draw.choice(characters) for _ in range(draw.randint(1, longest)))

    for characters in assigned.values():
        for _ in range(4):
            found[" ".join(word(characters) for _ in range(draw.randint(1, 5)))] = None
    for form in ("NFD", "NFC", "NFKC"):
        found.update(dict.fromkeys(unicodedata.normalize(form, phrase) for phrase in draw.sample(PHRASES, 12)))
    found.update(dict.fromkeys(phrase.upper() for phrase in draw.sample(PHRASES, 20)))
    found.update(dict.fromkeys(phrase.title() for phrase in draw.sample(PHRASES, 20)))
    # Cut at either length, in the middle of words and of characters of several bytes.
    for phrase in draw.sample(PHRASES, 12):
        found[" ".join([phrase] * 12)] = None
        found[phrase.replace(" ", "") * 6] = None
    for words in range(55, 80):
        found[" ".join(["a"] * words)] = None
    while len(found) < COUNT:
        parts = []
        for _ in range(draw.randint(1, 6)):
            kind = draw.randrange(6)
            if kind == 0:
                parts.append(draw.choice(EMOJI))
            elif kind == 1:
                parts.append(draw.choice(NUMBERS))
            elif kind == 2:
                parts.append(word(assigned[draw.choice(list(assigned))], 6))
            else:
                parts.append(draw.choice(draw.choice(PHRASES).split() or [""]))
        found[draw.choice([" ", " ", "", ", ", "  ", "-"]).join(parts)] = None
    return list(found)[:COUNT]


def clip_vocabulary(site):
    """The head of CLIP's merges, and its tokens: bytes, bytes that end a word, merges, start, end."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    lines = gzip.open(site / "open_clip/bpe_simple_vocab_16e6.txt.gz", "rt", encoding="utf-8").read().split("\n")
    merges = [tuple(line.split()) for line in lines[1 : 1 + MERGES]]
    characters = list(bytes_to_unicode().values())
    tokens = characters + [character + "</w>" for character in characters] + ["".join(merge) for merge in merges] + [START, END]
    return {token: number for number, token in enumerate(tokens)}, merges


def clip_file(vocabulary, merges):
    """A tokenizer.json in the form of the published one."""
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, unk_token=END, continuing_subword_prefix="", end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(WORDS), behavior="removed", invert=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.post_processor = processors.RobertaProcessing(
        (END, vocabulary[END]), (START, vocabulary[START]), add_prefix_space=False, trim_offsets=False
    )
    tokenizer.add_special_tokens([AddedToken(START, normalized=False), AddedToken(END, normalized=False)])
    file = json.loads(tokenizer.to_str())
    # Published files write merges as one string each, and say a length and a padding, which are not a tower's.
    file["model"]["merges"] = [" ".join(merge) for merge in merges]
    file["truncation"] = {"direction": "Right", "max_length": CLIP_LENGTH, "strategy": "LongestFirst", "stride": 0}
    return file


def siglip_vocabulary():
    """Pieces learnt from the phrases by SentencePiece as Gemma's are: byte pairs with bytes to fall back on, spaces and case as they come."""
    trained = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([lower(template.format(phrase)) for phrase in PHRASES for template in TEMPLATES]), model_writer=trained, model_type="bpe", vocab_size=PIECES,
        byte_fallback=True, character_coverage=0.99, normalization_rule_name="identity", add_dummy_prefix=False,
        remove_extra_whitespaces=False, split_by_whitespace=True, split_digits=True, max_sentence_length=100000,
        pad_id=0, eos_id=1, bos_id=2, unk_id=3, pad_piece="<pad>", eos_piece="<eos>", bos_piece="<bos>", num_threads=1, minloglevel=2,
    )
    model = sentencepiece.SentencePieceProcessor(model_proto=trained.getvalue())
    vocabulary = {model.id_to_piece(number): number for number in range(model.get_piece_size())}
    merges = []
    for piece, number in vocabulary.items():
        if number >= BYTES_END:
            pairs = [(piece[:at], piece[at:]) for at in range(1, len(piece))]
            pairs = [pair for pair in pairs if pair[0] in vocabulary and pair[1] in vocabulary]
            merges += sorted(pairs, key=lambda pair: (vocabulary[pair[0]], vocabulary[pair[1]]))
    return model, vocabulary, merges


def siglip_file(vocabulary, merges):
    """A tokenizer.json in the form of the published one, which does not say that texts are put in lower case."""
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", behavior="merged_with_previous")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.post_processor = processors.TemplateProcessing(single="$A:0 <eos>:0", pair="$A:0 <eos>:0 $B:1 <eos>:1", special_tokens=[("<eos>", 1)])
    tokenizer.add_special_tokens([AddedToken(token, normalized=False) for token in ("<pad>", "<eos>", "<bos>", "<unk>")])
    return json.loads(tokenizer.to_str())


def lower(text):
    """Lower case character by character, as tokenizers have it: a sigma that ends a word is an ordinary one."""
    return "".join(character.lower() for character in text)


def write(path, file):
    path.write_text(json.dumps(file, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


def of_transformers(tokenizer, texts, length):
    """What goes into a tower, without the padding."""
    given = tokenizer(texts, padding="max_length", truncation=True, max_length=length, padding_side="right", return_attention_mask=True)
    return [ids[: sum(mask)] for ids, mask in zip(given["input_ids"], given["attention_mask"])]


def disagreements(name, texts, ids, others):
    """Prints where another reference has other tokens: these are looked at by hand, never taken over."""
    different = [text for text, one, other in zip(texts, ids, others) if one != other]
    print(f"{name}: the same tokens for {len(texts) - len(different)} of {len(texts)}; others: {different[:40]!r}")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--site", type=pathlib.Path, required=True, help="site-packages with open_clip")
    arguments.add_argument("folder", type=pathlib.Path)
    options = arguments.parse_args()
    folder = options.folder
    given = texts()

    vocabulary, merges = clip_vocabulary(options.site)
    write(folder / "clip-tokenizer.json", clip_file(vocabulary, merges))
    clip = of_transformers(CLIPTokenizer(vocab=vocabulary, merges=merges), given, CLIP_LENGTH)

    spm, vocabulary, merges = siglip_vocabulary()
    write(folder / "siglip-tokenizer.json", siglip_file(vocabulary, merges))
    reference = Siglip2Tokenizer(vocab=vocabulary, merges=merges)
    reference.backend_tokenizer.post_processor = processors.TemplateProcessing(single="$A <eos>", special_tokens=[("<eos>", 1)])
    siglip = of_transformers(reference, given, SIGLIP_LENGTH)

    lines = [json.dumps([text, one, other], ensure_ascii=False) for text, one, other in zip(given, clip, siglip)]
    (folder / "texts.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(given)} texts, {sum(map(len, clip))} and {sum(map(len, siglip))} tokens")

    pieces = [spm.encode(lower(text))[: SIGLIP_LENGTH - 1] + [1] for text in given]
    disagreements("SentencePiece", given, siglip, pieces)
    disagreements("open_clip", given, clip, of_open_clip(options.site, given))


def of_open_clip(site, texts):
    """open_clip's tokenizer over the same head of the vocabulary. Its module is loaded alone: the package wants torchvision and timm."""
    spec = importlib.util.spec_from_file_location("open_clip_tokenizer", site / "open_clip/tokenizer.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    lines = gzip.open(site / "open_clip/bpe_simple_vocab_16e6.txt.gz", "rt", encoding="utf-8").read().split("\n")
    with tempfile.TemporaryDirectory() as folder:
        head = pathlib.Path(folder) / "head.txt.gz"
        with gzip.open(head, "wt", encoding="utf-8") as file:
            file.write("\n".join(lines[: 1 + MERGES]))
        tokenizer = module.SimpleTokenizer(bpe_path=str(head), context_length=CLIP_LENGTH)
    ends = tokenizer.sot_token_id, tokenizer.eot_token_id
    return [[ends[0], *tokenizer.encode(text)[: CLIP_LENGTH - 2], ends[1]] for text in texts]


if __name__ == "__main__":
    main()
