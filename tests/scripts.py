"""Texts of six scripts, put together from common words at random. Written for these tests."""

from random import Random

WORDS = {
    "chinese": """
    我们 今天 朋友 微信 免费 领取 福利 现在 就来 加群 大家 可以 学习 工作 生活 喜欢 电影 音乐 天气 很好 非常
    有点 觉得 知道 为什么 因为 所以 但是 如果 已经 还是 一起 吃饭 晚上 早上 明天 昨天 时间 地方 东西 问题 办法
    公司 老师 学生 孩子 妈妈 爸爸 家里 城市 北京 上海 旅行 火车 飞机 酒店 便宜 贵 漂亮 新的 旧的 手机 电脑 网站
    视频 图片 文章 评论 谢谢 不客气 的 了 是 在 和 也 都 不 很 这个 那个 什么 怎么 多少 买 卖 看 听 说 写 做 走
    来 去 想 要 会 能 红包 赚钱 投资 理财 收益 稳定 客服 联系 注册 送 礼物 优惠 活动 限时 机会
    """,
    "japanese": """
    今日 は とても いい 天気 です ね 私 の 友達 が 昨日 映画 を 見ました 音楽 好き 仕事 毎日 忙しい けど 楽しい
    無料 プレゼント 今すぐ 登録 して ください 詳しく こちら 副業 簡単 稼げる 方法 教えます 誰でも できます 電車
    旅行 東京 大阪 京都 食べたい おいしい ラーメン 寿司 コーヒー 飲みながら 本 読む 勉強 学校 先生 学生 子供 母
    父 家族 犬 猫 かわいい 新しい 古い 高い 安い 買いました 売ります 写真 動画 ありがとう ございます から まで
    より でも そして しかし だから 明日 朝 夜 時間 場所 問題 思います 思った 行きます 来ました 帰りたい
    """,
    "korean": """
    오늘 날씨가 정말 좋네요 친구와 함께 영화를 봤어요 음악을 좋아합니다 회사에서 일하는 중입니다 무료 선물
    받으세요 지금 바로 가입하고 돈을 벌 수 있는 방법을 알려드립니다 누구나 쉽게 할 기차 여행 서울 부산 제주도
    맛있는 음식 커피 마시면서 책을 읽고 공부 학교 선생님 학생 아이 엄마 아빠 가족 강아지 고양이 귀여운 새로운
    오래된 비싼 저렴한 샀어요 팝니다 사진 영상 감사합니다 그래서 그런데 하지만 내일 아침 저녁 시간 장소 문제
    생각해요 갔어요 왔습니다 집에 가고 싶다 카톡 문의 주세요 수익 보장 이벤트 참여
    """,
    "hindi": """
    आज मौसम बहुत अच्छा है मेरे दोस्त ने कल फिल्म देखी संगीत पसंद काम रोज मुफ्त पैसे अभी जीतें दोस्तों हिन्दी में
    यहाँ क्लिक करें और इनाम पाएं घर बैठे कमाई का आसान तरीका कोई भी कर सकता ट्रेन यात्रा दिल्ली मुंबई खाना
    स्वादिष्ट चाय पीते हुए किताब पढ़ना पढ़ाई स्कूल शिक्षक छात्र बच्चे माँ पिता परिवार कुत्ता बिल्ली प्यारा नया
    पुराना महंगा सस्ता खरीदा बेचना तस्वीर वीडियो धन्यवाद लेकिन इसलिए सुबह शाम समय जगह समस्या सोचता गया आया चाहिए
    नहीं क्या कैसे कितना सब लोग भारत देश सरकार खबर
    """,
    "thai": """
    วันนี้ อากาศ ดีมาก เพื่อน ของฉัน เมื่อวาน ดูหนัง ฟังเพลง ชอบ ทำงาน ทุกวัน ฟรี ของขวัญ ตอนนี้ สมัคร เลย คลิก
    ที่นี่ รับเงิน ง่ายๆ วิธี หาเงิน ออนไลน์ ใครก็ ทำได้ รถไฟ เที่ยว กรุงเทพ เชียงใหม่ อาหาร อร่อย กาแฟ อ่าน
    หนังสือ เรียน โรงเรียน ครู นักเรียน เด็ก แม่ พ่อ ครอบครัว หมา แมว น่ารัก ใหม่ เก่า แพง ถูก ซื้อ ขาย รูป
    วิดีโอ ขอบคุณ ครับ ค่ะ แต่ เพราะ พรุ่งนี้ เช้า เย็น เวลา สถานที่ ปัญหา คิดว่า ไป มา กลับบ้าน อยาก ไม่ อะไร
    ยังไง เท่าไหร่ ทุกคน ประเทศ ข่าว สนใจ ทักมา แอดไลน์
    """,
    "arabic": """
    اليوم الطقس جميل جدا صديقي شاهد فيلم أمس الموسيقى أحب العمل كل يوم مجانا هدية الآن سجل اضغط هنا واربح المال
    طريقة سهلة من المنزل يمكن لأي شخص قطار سفر القاهرة دبي الطعام لذيذ قهوة كتاب قراءة دراسة مدرسة معلم طالب طفل
    أمي أبي عائلة كلب قطة لطيف جديد قديم غالي رخيص اشتريت للبيع صورة فيديو شكرا لكن لأن غدا صباح مساء وقت مكان
    مشكلة أعتقد ذهبت جاء أريد لا ماذا كيف كم جميع الناس بلد أخبار تواصل معنا واتساب ربح مضمون عرض خاص
    """,
}
WORDS["english"] = """
    today the weather is very nice my friend watched a movie yesterday music love work every day free gift now
    sign up click here and win money easy way from home anyone can do it train travel london paris tasty food
    coffee drinking read book study school teacher student child mother father family dog cat cute new old
    expensive cheap bought sell picture video thanks but because so tomorrow morning evening time place problem
    think went came want not what how much people country news contact us profit special offer
    """
BLANKS = {"english", "korean", "hindi", "arabic"}
WORDS_IN_TEXT = {"chinese": 16, "japanese": 14, "korean": 12, "hindi": 15, "thai": 14, "arabic": 15, "english": 15}


def written(rng: Random, script: str, words: list[str]) -> str:
    """Words as that script writes them."""
    return (" " if script in BLANKS else "").join(words)


def sentence(rng: Random, script: str) -> list[str]:
    """Some words, common ones more often."""
    vocabulary = WORDS[script].split()
    count = WORDS_IN_TEXT[script] + rng.randrange(-3, 4)
    return [vocabulary[int(len(vocabulary) * rng.random() ** 1.3)] for _ in range(count)]


def edited(rng: Random, script: str, words: list[str], share: float = 0.1) -> list[str]:
    """With that share of the words exchanged, added or left out; at least one."""
    words, vocabulary = list(words), WORDS[script].split()
    for _ in range(max(1, round(share * len(words)))):
        at, way = rng.randrange(len(words)), rng.randrange(3)
        if way == 0:
            words[at] = rng.choice(vocabulary)
        elif way == 1:
            words.insert(at, rng.choice(vocabulary))
        else:
            del words[at]
    return words
