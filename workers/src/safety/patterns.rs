//! Ways of writing by which people try to steer an agent, as they are found in collections of such attempts.

/// Over the folded text: words in lower case with one space between them.
pub(super) const WORDS: &[(&str, &str)] = &[
    (
        "ignore-previous",
        r"\b(?:ignor(?:e|ing)|disregard|forget|neglect|overlook|bypass|overrid(?:e|ing)|overrule|discard|do not follow|dont follow|stop following|pay no attention to)(?: \w+){0,3}? (?:previous|prior|above|earlier|preceding|foregoing|existing|original|initial|past|former|everything|whatever)(?: and \w+)? \w+",
    ),
    (
        "ignore-rules",
        r"\b(?:ignor(?:e|ing)|disregard|forget|bypass|overrid(?:e|ing)|violate|break|circumvent|break free (?:of|from)|do not (?:follow|obey)|dont (?:follow|obey))(?: (?:all|any|your|the|these|those|of|its|their|every|other|system|safety|content|ethical|moral|openai|usual|typical|standard|normal|own)){1,5} (?:instructions?|rules?|prompts?|guidelines?|directives?|polic(?:y|ies)|restrictions?|constraints?|programming|limitations?|filters?|safeguards?|confines)",
    ),
    (
        "important-message",
        r"\b(?:important (?:message|instructions?|information) (?:from me|for you|to you)|before you can (?:solve|complete|finish|do) the (?:\w+ )?task|(?:do|complete|execute) the following(?: \w+){0,2} (?:first|instead)|execute the following (?:task|instructions?|command)|(?:your|the) (?:new|real|actual|true) (?:task|instructions?|goal|objective|purpose) (?:is|are))\b",
    ),
    (
        "new-role",
        r"\b(?:you are (?:now|no longer|going to (?:act|pretend|be|play))|from now on (?:you|act|respond|answer|reply|i want|your|every)|(?:pretend|imagine|assume|suppose) (?:to be|you are|youre|that you are|you were|yourself)|(?:act|behave|respond|answer|reply|speak|write|roleplay|role play|operate|function) as (?:if|though) (?:you|it)|i want you to (?:act|pretend|roleplay|play|simulate|respond as|be)|you (?:will|must|should|are going to|shall) (?:now )?(?:act|pretend|play|roleplay|behave|simulate|impersonate|respond|answer) as|(?:take on|assume|adopt|play|embody) the (?:role|persona|character|identity|part) of|(?:stay|remain|speak|respond) in character|simulate (?:a|an|being)|immerse yourself in(?:to)? the role)\b",
    ),
    (
        "jailbreak",
        r"\b(?:dan mode|do anything now|developer mode|jail ?br(?:eak|oken)(?:ing|ed|s)?|god mode|sudo mode|debug mode enabled|evil (?:mode|confidant|trusted|assistant|bot|ai)|opposite mode|anti ?gpt|dual (?:response|output|personalit)\w*|two (?:responses|answers|replies|paragraphs)|unfiltered|uncensored|amoral|unethical|no longer bound|not bound by|free (?:of|from) (?:all|any|the|these|its)? ?(?:restrictions?|limitations?|rules|constraints|filters|confines)|(?:without|no|zero|lacks?) (?:any |moral |ethical |legal |content )*(?:restrictions?|limitations?|filters?|censorship|restraints?|ethics|morals?|guidelines|warnings?|disclaimers?|refusals?)|never (?:refuse|refuses|say no|decline)|can(?:not|t) refuse|always (?:comply|obey|answer|complies)|(?:un)?aligned ai|hypothetical(?:ly)? (?:response|scenario|story|world|speaking|situation)|fictional (?:world|story|scenario|setting|universe|character))\b",
    ),
    (
        "prompt-leak",
        r"\b(?:reveal|show|print|repeat|output|display|tell me|give me|leak|expose|disclose|recite|summarize|what (?:is|are|was|were))(?: \w+){0,4}? (?:system (?:prompt|message)|(?:initial|original|hidden|secret|your) (?:prompt|instructions?|guidelines)|(?:prompt|words|text|instructions?|everything) above)\b",
    ),
    (
        "exfiltrate",
        r"\b(?:send|post|upload|forward|e ?mail|transmit|leak|exfiltrate|append|include|paste)(?: \w+){0,6}? (?:api keys?|credentials|passwords|secrets|access tokens?|auth tokens?|environment variables?|private keys?|env file)\b",
    ),
    (
        "steer-review",
        r"\b(?:approve (?:and merge )?this (?:pr|pull request|merge request|change|commit|patch)|(?:do not|dont|never) (?:report|flag|mention|review|comment on)(?: \w+){0,3}? (?:this|it|anything|findings?|issues?|problems?|vulnerabilit\w+|lines?|files?|code)|(?:reviewers?|bots?|ai|llms?|models?|assistants?)(?: \w+){0,2} (?:must|should|shall|are to) (?:approve|ignore|skip|pass))\b",
    ),
    (
        "ignore-in-other-languages",
        r"\b(?:(?:ignoriere|vergiss|missachte|ubergehe)(?:n sie)?(?: \w+){0,3} (?:anweisung|instruktion|vorgabe|befehl|regel|prompt)\w*|(?:ignore[zr]?|oublie[zr]?|neglige[zr]?)(?: \w+){0,2} (?:les|tes|vos|mes|ces|toutes)(?: \w+){0,2} (?:consigne|instruction|directive|regle)\w*|(?:ignora|ignore|olvida|olvide|omite)(?: \w+){0,4} (?:instruccion|indicacion|orden|regla)\w*|(?:ignora|dimentica|trascura)(?: \w+){0,4} (?:istruzion|indicazion|regol)\w*|(?:ignore|ignora|esqueca|desconsidere)(?: \w+){0,4} (?:instruco|regra|orden)\w*|(?:negeer|vergeet)(?: \w+){0,3} (?:instructie|opdracht|regel)\w*|(?:zignoruj|zapomnij)(?: \w+){0,4} (?:instrukc|polecen|zasad)\w*)|(?:忽略|无视|無視|忘记|不要理会)[^。]{0,12}(?:指令|指示|说明|提示|规则|規則)|(?:以前|これまで|上記|前)の[^。]{0,6}(?:指示|命令)[^。]{0,4}(?:無視|忘れ)",
    ),
];

/// Over the text as it is: marks by which a text claims to be another part of a conversation.
pub(super) const RAW: &[(&str, &str)] = &[(
    "false-frame",
    r"(?mi)<\|(?:im_start|im_end|im_sep|system|user|assistant|endoftext|begin_of_text|start_header_id|eot_id)\|>|\[/?INST\]|<</?SYS>>|</?(?:system|assistant|instructions?|information|important)>|^[ \t]*#{2,}[ \t]*(?:system|new instructions?|instructions?|human|assistant)\b[ \t]*:?|^[ \t]*(?:system|assistant)[ \t]*:[ \t]*\S",
)];
