"""Names to put into texts. `EVALUATION`: names that no list of the detectors holds as frequent; `DEVELOPMENT`: any."""

from __future__ import annotations

# ruff: noqa: SIM905  a list of words reads better without its quotes

POLISH_WOMEN = """
Anna Katarzyna Małgorzata Agnieszka Barbara Ewa Zofia Maria Hanna Julia Maja Oliwia Zuzanna Aleksandra Natalia
Wiktoria Lena Alicja Kornelia Roksana Aurelia Blanka Kaja Bogna Dobrochna Jagna Sonia Inga Idalia Apolonia Estera
Faustyna Ludmiła Tamara Berenika Kalina
""".split()
POLISH_MEN = """
Jan Piotr Krzysztof Andrzej Tomasz Paweł Michał Marcin Jakub Mateusz Marek Grzegorz Łukasz Adam Szymon Wojciech Kacper
Filip Antoni Bruno Iwo Gniewomir Tymoteusz Kajetan Ksawery Gustaw Cyprian Hubert Eryk Oskar Remigiusz Gracjan Dobromir
Lubomir Teodor Ignacy
""".split()
POLISH_SURNAMES = """
Kowalski Nowak Wiśniewski Wójcik Kamiński Zieliński Szymański Woźniak Dąbrowski Kozłowski Mazur Krawczyk Kaczmarek
Zając Król Wróbel Bielecki Żurawski Rutkiewicz Gąsior Łabędź Kędziora Pawlikowski Szczęsny Drzewiecki Mikulski
Ostrowski Trzaskalski Bąbel Pietrasik Jędrusik Wąsowicz Grzesiak Ćwiklińska Fijałkowski Gajos Hejnowicz Janda Kobus
Lubaszenko Machulski Olbrychski Pszoniak Seweryn Radziwiłowicz Stuhr Trela Englert Zamachowski Żebrowski Adamczewski
Bochniarz Cybulski Dulski Gębala Kuźniar Łaptaś Mroziewicz
""".split()
GERMAN_GIVEN = """
Anna Lena Sophie Marie Laura Julia Katharina Sabine Petra Monika Claudia Stefanie Birgit Ursula Heike Gisela Renate
Ingrid Thomas Michael Andreas Peter Stefan Christian Martin Klaus Jürgen Uwe Wolfgang Hans Frank Matthias Tobias
Florian Sebastian Lukas Jonas Felix Mehmet Ayşe Yusuf Fatima Svetlana Dragan Milica Giulia Nguyen Zeynep Ahmed
Kateryna Thorben Wiebke Dörte Friederike Gesine Leberecht Ansgar Hinnerk
""".split()
GERMAN_SURNAMES = """
Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Koch Bauer Richter Klein Wolf Schröder
Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Werner Lehmann Köhler Maier Mayer Yılmaz Öztürk
Kowalczyk Petrović Nguyen Rossi Haddad Brinkhaus Achterberg Buschkamp Dinkelacker Eichstädt Fürstenau Grabowski
Hinrichsen Iversen Jankowiak Klopstock Leutheusser Mönchmeyer Niederhöfer Oberländer Pfefferkorn Quandt Rüdesheimer
Scheuermann Tannhäuser Uhlenbrock Vierhaus Wiesengrund Zumwinkel
""".split()
RUSSIAN_WOMEN = """
Анна Мария Елена Ольга Татьяна Наталья Ирина Светлана Екатерина Юлия Анастасия Дарья Виктория Ксения Полина Алина
Галина Людмила Вера Гульнара Айгуль Злата Василиса Серафима Ульяна Зарина Камилла
""".split()
RUSSIAN_MEN = """
Александр Сергей Дмитрий Алексей Андрей Михаил Иван Максим Владимир Евгений Николай Павел Олег Роман Игорь Кирилл
Антон Виктор Юрий Руслан Тимур Рустам Мирон Савелий Глеб Прохор Всеволод Эльдар Арсений
""".split()
RUSSIAN_SURNAMES = """
Иванов Смирнов Кузнецов Попов Васильев Петров Соколов Михайлов Новиков Фёдоров Морозов Волков Алексеев Лебедев Семёнов
Егоров Павлов Козлов Степанов Николаев Орлов Андреев Макаров Никитин Захаров Зайцев Соловьёв Борисов Яковлев Григорьев
Воронцов Шереметьев Ахметов Гайдуков Дубровский Ельцин Жаров Заславский Истомин Крутов Лихачёв Мещеряков Нечаев
Островский Преображенский Рязанцев Салтыков Толмачёв
""".split()
RUSSIAN_FATHERS = (
    "Александрович Сергеевич Дмитриевич Иванович Петрович Владимирович Николаевич Викторович Андреевич Олегович".split()
)
ENGLISH_GIVEN = """
James Mary Robert Patricia John Jennifer Michael Linda David Elizabeth William Barbara Richard Susan Joseph Jessica
Thomas Sarah Emily Emma Olivia Liam Noah Aisha Priya Mohammed Wei Ingrid Tunde Chidi Xiomara Beyoncé Kanye Zendaya
Timothée Saoirse Siobhan Dwayne LeBron Serena Selena Taylor Justin Ariana Miley Rihanna Drake Kendrick Shawn Harry
Niall Zayn Demi Nicki Lana
""".split()
ENGLISH_SURNAMES = """
Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Hernandez Lopez Gonzalez Wilson Anderson
Taylor Moore Jackson Lee Okafor Nakamura Kowalczyk Fitzgerald O'Neill Abernathy Winterbottom Featherstone Hargreaves
Sutcliffe Blankenship Vanderbilt Adeyemi Mbeki Swift Bieber Gomez Grande Cyrus Lamar Mendes Styles Horan Malik Lovato
Minaj Kardashian Obama Beckham
""".split()
